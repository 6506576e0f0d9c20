/**
 * How a worker looks to people: its row in a table, and its name on the command line.
 */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import {
  KeepPolicy,
  type Worker,
  WorkerKind,
  WorkerOperation,
  WorkerState,
} from '../../proto/gen/muster/v1/worker_pb.ts';
import { enumName } from './enums.ts';
import { UsageFault } from './fault.ts';
import type { Cell, Column } from './table.ts';
import { stateCell } from './task-view.ts';
import { formatAge } from './time.ts';

/** The columns of `workerRow`. */
export const WORKER_COLUMNS: readonly Column[] = [
  { title: 'WORKER' },
  { title: 'STATE' },
  { title: 'SINCE', align: 'right', dropOrder: 4 },
  { title: 'FAILURES', align: 'right', dropOrder: 3 },
  { title: 'PID', align: 'right', dropOrder: 5 },
  { title: 'WORK', shrinkTo: 12, dropOrder: 1 },
  { title: 'NOTE', shrinkTo: 12, dropOrder: 2 },
];

/** Returns the row of a worker. */
export function workerRow(worker: Worker, nowMs: number): (Cell | string)[] {
  const { since, failures, pid } = worker;
  return [
    workerName(worker),
    stateCell(workerState(worker)),
    since === undefined ? '' : formatAge(timestampMs(since), nowMs),
    failures === 0 ? '' : String(failures),
    pid === 0 ? '' : String(pid),
    workOf(worker),
    noteOf(worker, nowMs),
  ];
}

/** The name that `worker start` and the like take. */
export function workerName({ nodeId, name }: Worker): string {
  return `${nodeId}/${name}`;
}

/** The word for its state; a kept command whose process lives is running. */
export function workerState(worker: Worker): string {
  return worker.connected ? lastState(worker) : 'unknown';
}

function lastState({ kind, state }: Worker): string {
  const isKept = kind === WorkerKind.KEPT;
  return isKept && state === WorkerState.BUSY ? 'running' : enumName(WorkerState, state);
}

/** Reads NODE/NAME. @throws UsageFault */
export function parseWorkerName(text: string): { nodeId: string; worker: string } {
  const [nodeId = '', worker = '', ...more] = text.split('/');
  if (nodeId === '' || worker === '' || more.length > 0) {
    throw new UsageFault(`'${text}' is no worker; write NODE/NAME, such as web-1/slot-0`);
  }
  return { nodeId, worker };
}

function workOf({ kind, command, keepPolicy, taskId, attempt }: Worker): string {
  if (kind !== WorkerKind.KEPT) return taskId === '' ? '' : `task ${taskId} attempt ${attempt}`;
  const policy = enumName(KeepPolicy, keepPolicy).replace('_', '-');
  return keepPolicy === KeepPolicy.ALWAYS ? command : `[${policy}] ${command}`;
}

function noteOf(worker: Worker, nowMs: number): string {
  const { state, why, asked, pending, nextStartAt, connected } = worker;
  const notes: string[] = [];
  if (!connected) notes.push(`last heard: ${lastState(worker)}`);
  if (nextStartAt !== undefined && state === WorkerState.BACKING_OFF) {
    const atMs = timestampMs(nextStartAt);
    notes.push(atMs > nowMs ? `starts ${formatAge(atMs, nowMs)}` : 'starts now');
  }
  if (asked !== WorkerOperation.UNSPECIFIED) notes.push(`will ${enumName(WorkerOperation, asked)}`);
  if (pending !== WorkerOperation.UNSPECIFIED) {
    notes.push(`${enumName(WorkerOperation, pending)} asked for`);
  }
  if (why !== '' && state !== WorkerState.BUSY && state !== WorkerState.IDLE) notes.push(why);
  return notes.join('; ');
}
