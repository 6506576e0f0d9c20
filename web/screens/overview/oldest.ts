/**
 * Finds the oldest tasks of a filter. Lists begin with the newest, so the way to the other end is a search over the time of creation:
 * a few small questions, however many tasks there are.
 */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { Task } from '../../../proto/gen/muster/v1/task_pb.ts';

/** Reads the newest tasks created before a time (in ms; null for any), and whether there are more. */
export type ReadBefore = (untilMs: number | null) => Promise<{ tasks: Task[]; hasMore: boolean }>;

/** Questions that may be asked; then the oldest found so far is returned. */
const MAX_QUESTIONS = 24;

/** Returns the oldest tasks, the oldest first. @param isSure false when the search was given up before it was at the end */
export async function findOldest(
  readBefore: ReadBefore,
  nowMs: number,
): Promise<{ tasks: Task[]; isSure: boolean }> {
  let page = await readBefore(null);
  let asked = 1;
  // The time that nothing is known to be older than.
  let emptyBefore = 0;
  while (page.hasMore && asked < MAX_QUESTIONS) {
    const last = page.tasks.at(-1);
    const oldest = last?.createdAt === undefined ? nowMs : timestampMs(last.createdAt);
    // Twice as old, and once that is too old, halfway.
    const doubled = nowMs - 2 * Math.max(nowMs - oldest, 60_000);
    const until = doubled > emptyBefore ? doubled : Math.floor((emptyBefore + oldest) / 2);
    const older = await readBefore(until);
    asked += 1;
    if (older.tasks.length > 0) page = older;
    else if (oldest - until > 1) emptyBefore = until;
    else break;
  }
  return { tasks: page.tasks.toReversed(), isSure: !page.hasMore };
}
