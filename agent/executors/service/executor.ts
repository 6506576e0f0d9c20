/**
 * The service executor: operates a systemd unit through systemctl. Called by ActionExecutor.
 *
 * It only says what to run: the script executor runs it, finds it again after a restart of the agent, and removes it.
 */
import { create } from '@bufbuild/protobuf';
import {
  type StartAttempt,
  StartAttemptSchema,
} from '../../../proto/gen/muster/v1/agent_service_pb.ts';
import {
  type ServiceAction,
  ServiceOperation,
} from '../../../proto/gen/muster/v1/service_action_pb.ts';
import type { OutputSource } from '../../output-source.ts';
import type { Executor, FoundGroup, StartResult } from '../executor.ts';
import { type Environment, findProgram } from '../script/program.ts';

/** As in the proto: what systemd allows in a name, and never an option of systemctl. */
const UNIT = /^[A-Za-z0-9:_.@\\][-A-Za-z0-9:_.@\\]{0,254}$/;

const VERBS: Readonly<Record<ServiceOperation, string | null>> = {
  [ServiceOperation.UNSPECIFIED]: null,
  [ServiceOperation.START]: 'start',
  [ServiceOperation.STOP]: 'stop',
  [ServiceOperation.RESTART]: 'restart',
  [ServiceOperation.STATUS]: 'status',
  [ServiceOperation.ENABLE]: 'enable',
  [ServiceOperation.DISABLE]: 'disable',
};

export interface ServiceExecutorOptions {
  readonly nodeId: string;
  /** Where systemctl is looked for: PATH. */
  readonly environment: Environment;
  readonly script: Executor;
}

export class ServiceExecutor implements Executor {
  readonly #options: ServiceExecutorOptions;

  constructor(options: ServiceExecutorOptions) {
    this.#options = options;
  }

  /** A host without systemd takes all other work: that there is no systemctl is said when it is needed. */
  async check(): Promise<void> {}

  async start(start: StartAttempt, folder: string, signal?: AbortSignal): Promise<StartResult> {
    const { nodeId, environment, script } = this.#options;
    const { action, $typeName: _, ...rest } = start;
    if (action.case !== 'service') {
      return { kind: 'failed', why: `this is no action on a service of node ${nodeId}` };
    }
    const { unit, operation } = action.value;
    const verb = VERBS[operation] ?? null;
    if (verb === null) {
      const why = `the agent of node ${nodeId} is too old for operation ${operation} on a service`;
      return { kind: 'failed', why };
    }
    if (!UNIT.test(unit)) {
      return { kind: 'failed', why: `'${unit}' is no name of a systemd unit` };
    }
    if (findProgram('systemctl', environment) === null) {
      const why = `cannot ${verb} ${unit} on node ${nodeId}: systemctl is not installed there, and services are operated through systemd`;
      return { kind: 'failed', why };
    }
    const value = { program: { case: 'argv' as const, value: { words: wordsOf(verb, unit) } } };
    const command = create(StartAttemptSchema, { ...rest, action: { case: 'script', value } });
    return await script.start(command, folder, signal);
  }

  outputOf(start: StartAttempt, folder: string): OutputSource {
    return this.#options.script.outputOf(start, folder);
  }

  async find(folder: string, start?: StartAttempt): Promise<FoundGroup> {
    return await this.#options.script.find(folder, start);
  }

  async remove(folder: string): Promise<void> {
    await this.#options.script.remove(folder);
  }

  /** The script executor is closed by its owner. */
  close(): void {}
}

/** Nobody is there to page through its output or to type a password. */
function wordsOf(verb: string, unit: ServiceAction['unit']): string[] {
  return ['systemctl', '--no-pager', '--no-ask-password', verb, '--', unit];
}
