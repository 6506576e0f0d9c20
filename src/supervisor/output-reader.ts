/**
 * Reads the output of tasks: a range of what is stored, or all of it as it comes.
 *
 * A tail works by level: arrivals only wake it, and it reads from its own offsets, so a lost wake-up costs time and never a byte,
 * and a client that comes back with its offsets sees no gap and no repeat (I5).
 */
import { listAttempts } from '../../db/attempts.ts';
import { readExpiredOutput } from '../../db/expiry.ts';
import { listOutput, readMissingOutput, readOutputRange } from '../../db/output.ts';
import { readTasks } from '../../db/tasks.ts';
import type { OutputStreamName, TaskProgress, TaskRecord } from '../../db/records.ts';
import { isFinalPath } from '../../machines/decide.ts';
import { MusterError } from '../../machines/errors.ts';
import type { Changes } from './changes.ts';
import type { ProgressBoard } from './progress.ts';
import type { Store } from './store.ts';
import type { OutputItem, OutputRange } from './supervisor.ts';

/** Bytes read at once by a tail. */
const PAGE_BYTES = 256 * 1024;

/** @throws MusterError `unknown_task` */
export async function readOutput(
  store: Store,
  id: string,
  attempt: number,
  stream: OutputStreamName,
  offset: number,
  limitBytes: number,
): Promise<OutputRange> {
  const record = await readRecord(store, id);
  const last = record.snapshot.context.attempt;
  if (attempt > last) {
    const has = last === 0 ? 'it has had none yet' : `its last one is ${last}`;
    throw new MusterError('invalid_argument', `Task ${id} has no attempt ${attempt}: ${has}`);
  }
  const number = attempt === 0 ? last : attempt;
  const range = await store.read((sql) =>
    readOutputRange(sql, id, number, stream, offset, limitBytes),
  );
  const hasEnded = isOver(record, number);
  const ended = hasEnded ? await readEnded(store, id, number) : undefined;
  const isEnd = hasEnded && range.content.length === 0;
  const expiredEnd = isEnd
    ? (await store.read((sql) => readExpiredOutput(sql, id, number)))[stream]
    : 0;
  return {
    attempt: number,
    content: range.content,
    nextOffset: Math.max(range.nextOffset, expiredEnd),
    isEnd,
    droppedBytes: ended?.droppedBytes ?? 0,
    isExpired: expiredEnd > offset,
  };
}

export async function* tailOutput(
  store: Store,
  changes: Changes,
  board: ProgressBoard,
  id: string,
  from: { attempt: number; stdoutOffset: number; stderrOffset: number },
  isStoredOnly: boolean,
  signal: AbortSignal,
): AsyncGenerator<OutputItem> {
  const alarm = new Alarm(signal);
  const ends = [changes.onTask(id, () => alarm.ring()), changes.onOutput(id, () => alarm.ring())];
  let attempt = Math.max(from.attempt, 1);
  let offsets = { stdout: from.stdoutOffset, stderr: from.stderrOffset };
  let told: TaskProgress | null = null;
  try {
    while (!signal.aborted) {
      alarm.reset();
      // The record first: what it says has ended is stored completely.
      const record = await readRecord(store, id);
      const pieces = await store.read((sql) => listOutput(sql, id, attempt, offsets, PAGE_BYTES));
      for (const piece of pieces) {
        offsets = { ...offsets, [piece.stream]: piece.offset + piece.content.length };
        yield { kind: 'chunk', piece };
      }
      const progress = board.newest(record);
      if (progress !== null && progress !== told) {
        told = progress;
        yield { kind: 'progress', progress };
      }
      if (pieces.length > 0) continue;
      if (isOver(record, attempt)) {
        const dropped = await countDropped(store, id, attempt);
        if (dropped > 0) yield { kind: 'dropped', attempt, bytes: dropped };
        const bytes = await countExpired(store, id, attempt, offsets);
        if (bytes > 0) yield { kind: 'expired', attempt, bytes };
        if (attempt < record.snapshot.context.attempt) {
          attempt += 1;
          offsets = { stdout: 0, stderr: 0 };
          continue;
        }
      }
      if (isStoredOnly || isFinalPath(record.snapshot.path)) {
        yield { kind: 'task', record };
        return;
      }
      await alarm.rung();
    }
  } finally {
    for (const end of ends) end();
  }
}

function isOver(record: TaskRecord, attempt: number): boolean {
  const { context, path } = record.snapshot;
  if (isFinalPath(path) || attempt < context.attempt) return true;
  // A task without an attempt has not begun.
  return attempt === context.attempt && context.current === null && attempt > 0;
}

async function readRecord(store: Store, id: string): Promise<TaskRecord> {
  const [record] = await store.read((sql) => readTasks(sql, [id]));
  if (record === undefined) throw new MusterError('unknown_task', `There is no task ${id}`);
  return record;
}

async function readEnded(store: Store, id: string, attempt: number) {
  const attempts = await store.read((sql) => listAttempts(sql, id));
  return attempts.find((ended) => ended.number === attempt);
}

/** What is not stored, besides what is missing between offsets: those show it. */
async function countDropped(store: Store, id: string, attempt: number): Promise<number> {
  const dropped = (await readEnded(store, id, attempt))?.droppedBytes ?? 0;
  if (dropped === 0) return 0;
  const missing = await store.read((sql) => readMissingOutput(sql, id, attempt));
  return dropped - missing.stdout - missing.stderr;
}

/** How much of an attempt's output would follow, had it not been deleted. */
async function countExpired(
  store: Store,
  id: string,
  attempt: number,
  offsets: { readonly stdout: number; readonly stderr: number },
): Promise<number> {
  const ends = await store.read((sql) => readExpiredOutput(sql, id, attempt));
  return Math.max(ends.stdout - offsets.stdout, 0) + Math.max(ends.stderr - offsets.stderr, 0);
}

/** Rings once for any number of arrivals between two looks. */
class Alarm {
  #hasRung = false;
  #wake: (() => void) | null = null;

  constructor(signal: AbortSignal) {
    signal.addEventListener('abort', () => this.ring(), { once: true });
  }

  reset(): void {
    this.#hasRung = false;
  }

  ring(): void {
    this.#hasRung = true;
    this.#wake?.();
  }

  async rung(): Promise<void> {
    if (this.#hasRung) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = null;
  }
}
