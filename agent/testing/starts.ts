/**
 * Commands for tests: attempts with ids of their own, and what they shall run.
 */
import { randomUUID } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import type { StartAttemptSchema } from '../../proto/gen/muster/v1/agent_service_pb.ts';
import type { Interpreter, ScriptActionSchema } from '../../proto/gen/muster/v1/task_pb.ts';
import type { AttemptKey } from '../attempt-record.ts';

export type StartInit = MessageInitShape<typeof StartAttemptSchema> & AttemptKey;
type ScriptInit = MessageInitShape<typeof ScriptActionSchema>;

/** Of an action, besides what it runs. */
interface Circumstances {
  readonly interpreter?: Interpreter;
  readonly args?: string[];
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  readonly stdin?: string;
  readonly user?: string;
}

interface Bounds {
  readonly timeoutMs?: number;
  readonly stopGraceMs?: number;
  readonly leaseMs?: number;
  readonly outputCapBytes?: number;
  readonly attempt?: number;
}

/** Returns the start of a new task whose script has this body. */
export function startOf(
  body: string,
  circumstances: Circumstances = {},
  bounds: Bounds = {},
): StartInit {
  return startAction({ ...circumstances, program: { case: 'body', value: body } }, bounds);
}

/** Returns the start of a new task that runs a program without a shell. */
export function startArgv(
  words: string[],
  circumstances: Circumstances = {},
  bounds: Bounds = {},
): StartInit {
  return startAction({ ...circumstances, program: { case: 'argv', value: { words } } }, bounds);
}

/** Returns the start of a new task that calls a handler. */
export function startCall(handler: string, input?: unknown, bounds: Bounds = {}): StartInit {
  const inputJson = input === undefined ? '' : JSON.stringify(input);
  return startWith({ case: 'handler', value: { handler, inputJson } }, bounds);
}

function startAction(value: ScriptInit, bounds: Bounds): StartInit {
  return startWith({ case: 'script', value: value as never }, bounds);
}

function startWith(action: StartInit['action'], bounds: Bounds): StartInit {
  const {
    timeoutMs = 60_000,
    stopGraceMs = 5_000,
    leaseMs,
    outputCapBytes = 0,
    attempt = 1,
  } = bounds;
  return {
    taskId: randomUUID(),
    attempt,
    timeout: durationFromMs(timeoutMs),
    stopGrace: durationFromMs(stopGraceMs),
    outputCapBytes: BigInt(outputCapBytes),
    ...(leaseMs === undefined ? {} : { lease: durationFromMs(leaseMs) }),
    action: action as never,
  };
}

/** Returns just the name of an attempt. */
export function keyOf({ taskId, attempt }: AttemptKey): AttemptKey {
  return { taskId, attempt };
}
