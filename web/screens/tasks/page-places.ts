/** Pages of a list and the rows they hold. Part of task-list.ts. */
import type { Task } from '../../../proto/gen/muster/v1/task_pb.ts';

export interface LoadedPage {
  /** What it is read with. */
  readonly token: string;
  /** Its first row. */
  start: number;
  size: number;
  readonly firstId: string;
  readonly lastId: string;
  /** Null while it is not in memory. */
  tasks: Task[] | null;
}

/** Where the row of a task is. */
export interface Place {
  readonly page: LoadedPage;
  readonly offset: number;
}

/** Returns the number of the page that has a row; the last page for rows after it, -1 where there is none. */
export function findPage(pages: readonly Pick<LoadedPage, 'start'>[], row: number): number {
  let low = 0;
  let high = pages.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((pages[middle]?.start ?? 0) <= row) low = middle;
    else high = middle - 1;
  }
  return pages.length === 0 ? -1 : low;
}
