/**
 * The file executor: has a file put, fetched, deleted or looked at by a small program of its own (worker.ts). Called by
 * ActionExecutor.
 *
 * It only says what to run: the script executor runs it, finds it again after a restart of the agent, and removes it.
 */
import { create } from '@bufbuild/protobuf';
import {
  type StartAttempt,
  StartAttemptSchema,
} from '../../../proto/gen/muster/v1/agent_service_pb.ts';
import type { FileAction } from '../../../proto/gen/muster/v1/file_action_pb.ts';
import { selfCommand } from '../../../src/process/runtime.ts';
import type { OutputSource } from '../../output-source.ts';
import type { Executor, FoundGroup, StartResult } from '../executor.ts';
import type { FileOperation, FileRequest, SupervisorAddress } from './request.ts';

const WORKER = new URL('worker.ts', import.meta.url);

export interface FileExecutorOptions {
  readonly nodeId: string;
  /** Absolute folders that files may be in, with all below them; empty for everywhere. */
  readonly allowedPaths: readonly string[];
  readonly supervisor: SupervisorAddress;
  readonly script: Executor;
}

export class FileExecutor implements Executor {
  readonly #options: FileExecutorOptions;

  constructor(options: FileExecutorOptions) {
    this.#options = options;
  }

  /** It needs nothing but the script executor, which is checked by itself. */
  async check(): Promise<void> {}

  async start(start: StartAttempt, folder: string, signal?: AbortSignal): Promise<StartResult> {
    const { nodeId, allowedPaths, supervisor, script } = this.#options;
    const { action, $typeName: _, ...rest } = start;
    if (action.case !== 'file') {
      return { kind: 'failed', why: `this is no action on a file of node ${nodeId}` };
    }
    const { path } = action.value;
    if (!isPlainPath(path)) {
      return { kind: 'failed', why: `'${path}' is not the absolute path of a file` };
    }
    const operation = operationOf(action.value);
    if (operation === null) {
      const why = `the agent of node ${nodeId} is too old for this operation on a file`;
      return { kind: 'failed', why };
    }
    const { taskId, attempt } = start;
    const request: FileRequest = {
      nodeId,
      taskId,
      attempt,
      path,
      allowedPaths,
      operation,
      supervisor,
    };
    const { command, args } = selfCommand(WORKER);
    const value = {
      program: { case: 'argv' as const, value: { words: [command, ...args] } },
      cwd: '/',
      stdin: JSON.stringify(request),
    };
    const worker = create(StartAttemptSchema, { ...rest, action: { case: 'script', value } });
    return await script.start(worker, folder, signal);
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

/** As in the proto. */
function isPlainPath(path: string): boolean {
  const [root, ...names] = path.split('/');
  const isName = (name: string) => name !== '' && name !== '.' && name !== '..';
  // oxlint-disable-next-line no-control-regex -- they are what is refused
  return root === '' && names.length > 0 && names.every(isName) && !/[\x00-\x1f\x7f]/.test(path);
}

function operationOf({ operation }: FileAction): FileOperation | null {
  switch (operation.case) {
    case 'put': {
      const { sha256, sizeBytes, mode, owner, group, createParents } = operation.value;
      const isCreatingParents = createParents;
      return {
        kind: 'put',
        sha256,
        sizeBytes: Number(sizeBytes),
        mode,
        owner,
        group,
        isCreatingParents,
      };
    }
    case 'get':
    case 'delete':
    case 'stat':
      return { kind: operation.case };
    case undefined:
      return null;
  }
}
