/** The states of a worker in words and looks, what may be asked of it in each, and the order of workers. Pure. */
import type { Worker } from '../../../proto/gen/muster/v1/worker_pb.ts';
import {
  KeepPolicy,
  WorkerKind,
  WorkerOperation,
  WorkerState,
} from '../../../proto/gen/muster/v1/worker_pb.ts';
import type { Look } from './health.ts';

const LOOKS: ReadonlyMap<WorkerState, Look> = new Map([
  [WorkerState.STARTING, { icon: '◔', word: 'starting', color: 'text-live' }],
  [WorkerState.IDLE, { icon: '○', word: 'idle', color: 'text-soft' }],
  [WorkerState.BUSY, { icon: '◐', word: 'busy', color: 'text-live' }],
  [WorkerState.BACKING_OFF, { icon: '↻', word: 'backing off', color: 'text-warn' }],
  [WorkerState.CRASHED, { icon: '✕', word: 'crashed', color: 'text-bad' }],
  [WorkerState.STOPPED, { icon: '■', word: 'stopped', color: 'text-soft' }],
]);

const PATHS: ReadonlyMap<WorkerState, string> = new Map([
  [WorkerState.STARTING, 'starting'],
  [WorkerState.IDLE, 'idle'],
  [WorkerState.BUSY, 'busy'],
  [WorkerState.BACKING_OFF, 'backing_off'],
  [WorkerState.CRASHED, 'crashed'],
  [WorkerState.STOPPED, 'stopped'],
]);

/** The path in the worker machine. */
export function workerPathOf({ state }: Pick<Worker, 'state'>): string | undefined {
  return PATHS.get(state);
}

/** A kept command that is busy is said to run. */
export function workerLookOf({ state, kind }: Pick<Worker, 'state' | 'kind'>): Look {
  const look = LOOKS.get(state) ?? { icon: '?', word: 'unknown', color: 'text-soft' };
  return kind === WorkerKind.KEPT && state === WorkerState.BUSY ? { ...look, word: 'runs' } : look;
}

export const OPERATION_WORDS: ReadonlyMap<WorkerOperation, string> = new Map([
  [WorkerOperation.START, 'start'],
  [WorkerOperation.STOP, 'stop'],
  [WorkerOperation.RESTART, 'restart'],
]);

const RESTING: readonly WorkerState[] = [WorkerState.STOPPED, WorkerState.CRASHED];

/** What makes a difference in the state that it is in. */
export function operationsOf({ state }: Pick<Worker, 'state'>): readonly WorkerOperation[] {
  if (RESTING.includes(state)) return [WorkerOperation.START];
  if (state === WorkerState.BACKING_OFF) return [WorkerOperation.START, WorkerOperation.STOP];
  return [WorkerOperation.RESTART, WorkerOperation.STOP];
}

/** What was asked and is not done yet, in words; empty for nothing. */
export function wishText({ asked, pending, connected }: Worker): string {
  const waiting = OPERATION_WORDS.get(pending);
  if (waiting !== undefined) {
    return connected ? `${waiting} is on its way` : `${waiting} when its agent connects`;
  }
  const later = OPERATION_WORDS.get(asked);
  return later === undefined ? '' : `${later} when its work has ended`;
}

const KEEP_WORDS: ReadonlyMap<KeepPolicy, string> = new Map([
  [KeepPolicy.ALWAYS, 'started again whenever it ends'],
  [KeepPolicy.ON_FAILURE, 'started again when it has failed'],
  [KeepPolicy.NEVER, 'not started again'],
]);

/** Empty for what is not known. */
export function keepText(policy: KeepPolicy): string {
  return KEEP_WORDS.get(policy) ?? '';
}

const collator = new Intl.Collator('en', { numeric: true });

/** By name, slot-2 before slot-10. */
export function inOrder(workers: Iterable<Worker>): Worker[] {
  return [...workers].sort((a, b) => collator.compare(a.name, b.name));
}
