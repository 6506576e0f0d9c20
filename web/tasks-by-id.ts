/** Tasks that are named elsewhere, such as the last one of each schedule: read a page at a time, and again while they may change. */
import { useQuery } from '@tanstack/react-query';
import type { Task } from '../proto/gen/muster/v1/task_pb.ts';
import { tasks } from './connection.ts';

const PAGE_SIZE = 200;
const REFRESH_MS = 3_000;

/** Those that are deleted, or not read yet, are missing. */
export function useTasksById(ids: readonly string[]): ReadonlyMap<string, Task> {
  const wanted = [...new Set(ids.filter((id) => id !== ''))].sort();
  const { data } = useQuery({
    queryKey: ['tasks-by-id', wanted],
    queryFn: async () => {
      const found = new Map<string, Task>();
      for (let from = 0; from < wanted.length; from += PAGE_SIZE) {
        const filter = { ids: wanted.slice(from, from + PAGE_SIZE) };
        const page = await tasks.listTasks({ filter, pageSize: PAGE_SIZE });
        for (const task of page.tasks) found.set(task.id, task);
      }
      return found;
    },
    enabled: wanted.length > 0,
    refetchInterval: REFRESH_MS,
    placeholderData: (former) => former,
  });
  return data ?? new Map();
}
