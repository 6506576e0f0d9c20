/** Keeps a TaskList up to date while a screen shows it: reads its pages and follows its changes. */
import { useEffect, useMemo } from 'react';
import { tasks } from '../../connection.ts';
import { link } from '../../live.ts';
import { useSettled } from '../../ui/settled.ts';
import { isFinal } from '../../ui/state.tsx';
import { eachFrame, useRevision } from '../../use-revision.ts';
import { type FilterInit, isStillMatching } from './filter.ts';
import type { KeptList } from './kept-list.ts';
import { PAGE_SIZE, TaskList } from './task-list.ts';

/** After this long without a new page, the changes of what was loaded since are followed as well. */
const SETTLE_MS = 700;

/** @param kept must stay the same object while the filter means the same */
export function useTaskList(kept: KeptList): TaskList {
  const { filter } = kept;
  const list = useMemo(() => {
    kept.list ??= new TaskList({
      fetchPage: (pageToken) => tasks.listTasks({ filter, pageSize: PAGE_SIZE, pageToken }),
      isMatching: (task) => isStillMatching(filter, task),
    });
    return kept.list;
  }, [kept, filter]);
  useEffect(() => {
    kept.leftAt = 0;
    if (!list.isStarted) void list.reload();
    return () => {
      kept.leftAt = Date.now();
    };
  }, [list, kept]);
  // What could not be read is read once the supervisor is there again.
  useEffect(
    () =>
      link.onStateChange(() => {
        if (link.state === 'online' && list.failure !== null) void list.retry();
      }),
    [list],
  );
  useRevision(list, eachFrame);
  const { count, isStarted } = list;
  const settledCount = useSettled(count, SETTLE_MS);
  // A subscription names what it has seen: with more pages it is made anew, or their tasks would not be told of once they match
  // no longer.
  useEffect(() => {
    if (!isStarted) return;
    return follow(list, filter);
  }, [list, filter, isStarted, settledCount]);
  return list;
}

function follow(list: TaskList, filter: FilterInit): () => void {
  let end: () => void = () => {};
  let timer: ReturnType<typeof setTimeout> | undefined;
  const start = () => {
    end = link.subscribe(
      () => ({ case: 'tasks', value: { filter, seen: list.seen(isFinal) } }),
      (message) => {
        if (message.case === 'task' && message.value.task !== undefined) {
          list.apply({ task: message.value.task, isDeleted: message.value.deleted });
        }
        // It fell too far behind: from the versions that are here it goes on.
        if (message.case === 'ended') {
          end();
          timer = setTimeout(start, SETTLE_MS);
        }
      },
    );
  };
  start();
  return () => {
    clearTimeout(timer);
    end();
  };
}
