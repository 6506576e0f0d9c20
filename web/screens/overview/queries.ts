/** What the overview reads, again and again while it is shown. */
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { Fire, Schedule } from '../../../proto/gen/muster/v1/schedule_pb.ts';
import { OutputStream, type Task, TaskState } from '../../../proto/gen/muster/v1/task_pb.ts';
import { WorkerState } from '../../../proto/gen/muster/v1/worker_pb.ts';
import { nodes, schedules, tasks } from '../../connection.ts';
import { firstLine } from '../../ui/first-line.ts';
import { lastEnded } from './last-ended.ts';
import { findOldest } from './oldest.ts';

const OFTEN_MS = 5_000;
const SELDOM_MS = 15_000;
const DAY_MS = 86_400_000;
const OLDEST_PAGE = 50;
/** Waiting tasks that are asked why. */
const MAX_ASKED = 5;
/** Pages of running tasks that are looked through for those that do not stop. */
const MAX_RUNNING_PAGES = 5;
const MAX_CRASHED = 200;
const MAX_FAILURES = 8;
/** Lists begin with what was created last; what ended last is looked for among so many. */
const FAILURES_PAGE = 100;
/** Of stderr, from its beginning. */
const FIRST_BYTES = 8_192;
const MAX_SKIPPING = 20;

/** What is pending and running now, and what has become of the tasks of the last day. */
export function useStatistics() {
  return useQuery({
    queryKey: ['overview', 'statistics'],
    queryFn: async () => {
      const createdFrom = timestampFromMs(Date.now() - DAY_MS);
      const [all, day] = await Promise.all([
        tasks.getStatistics({}),
        tasks.getStatistics({ createdFrom }),
      ]);
      return { all, day };
    },
    refetchInterval: OFTEN_MS,
    placeholderData: keepPreviousData,
  });
}

/** The oldest pending tasks, the oldest first, with the reasons why the first few of the queued ones wait. */
export function useOldestPending() {
  return useQuery({
    queryKey: ['overview', 'oldest'],
    queryFn: async () => {
      const { tasks: oldest, isSure } = await findOldest(async (untilMs) => {
        const createdUntil = untilMs === null ? {} : { createdUntil: timestampFromMs(untilMs) };
        const answer = await tasks.listTasks({
          filter: { states: [TaskState.PENDING], ...createdUntil },
          pageSize: OLDEST_PAGE,
        });
        return { tasks: answer.tasks, hasMore: answer.nextPageToken !== '' };
      }, Date.now());
      const queued = oldest.filter(({ substate }) => substate === 'queued').slice(0, MAX_ASKED);
      const asked = await Promise.allSettled(queued.map(({ id }) => tasks.getTask({ id })));
      const waiting = asked.flatMap((one) =>
        one.status === 'fulfilled' && one.value.task !== undefined ? [one.value.task] : [],
      );
      return { oldest: oldest[0] ?? null, waiting, isSure };
    },
    refetchInterval: SELDOM_MS,
    placeholderData: keepPreviousData,
  });
}

/** Running tasks; looked through only where some do not stop or are out of reach. */
export function useStuckRunning(isNeeded: boolean) {
  return useQuery({
    queryKey: ['overview', 'stuck'],
    enabled: isNeeded,
    queryFn: async () => {
      const stuck: Task[] = [];
      let pageToken = '';
      for (let page = 0; page < MAX_RUNNING_PAGES; page += 1) {
        const filter = { states: [TaskState.RUNNING] };
        const answer = await tasks.listTasks({ filter, pageSize: 200, pageToken });
        stuck.push(
          ...answer.tasks.filter(({ substate }) => /^(stopping|unreachable)$/.test(substate)),
        );
        pageToken = answer.nextPageToken;
        if (pageToken === '') break;
      }
      return stuck;
    },
    refetchInterval: SELDOM_MS,
  });
}

/** Workers that have crashed and are started again by hand only, as many as can be told of. */
export function useCrashedWorkers() {
  return useQuery({
    queryKey: ['overview', 'crashed'],
    queryFn: async () => {
      const states = [WorkerState.CRASHED];
      const { workers } = await nodes.listWorkers({ states, pageSize: MAX_CRASHED });
      return workers;
    },
    refetchInterval: SELDOM_MS,
    placeholderData: keepPreviousData,
  });
}

/** The last failures, each with the first line of its error output. */
export function useLastFailures() {
  return useQuery({
    queryKey: ['overview', 'failures'],
    queryFn: async () => {
      const filter = { states: [TaskState.FAILED, TaskState.TIMEOUT] };
      const { tasks: failed } = await tasks.listTasks({ filter, pageSize: FAILURES_PAGE });
      return lastEnded(failed, MAX_FAILURES);
    },
    refetchInterval: OFTEN_MS,
    placeholderData: keepPreviousData,
  });
}

/** The first line of what a final task has written to stderr; empty where there is none. */
export function useErrorLine({ id, attempt }: Task) {
  return useQuery({
    queryKey: ['overview', 'error line', id],
    enabled: attempt > 0,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async () => {
      const stream = OutputStream.STDERR;
      const { content } = await tasks.readOutput({ id, stream, limitBytes: FIRST_BYTES });
      return firstLine(new TextDecoder().decode(content));
    },
  });
}

/** The last task of each schedule, and the last fire of those that have skipped any. */
export function useScheduleOutcomes(all: readonly Schedule[]) {
  const ids = all.map(({ lastTaskId }) => lastTaskId).filter((id) => id !== '');
  const skipping = all.filter(({ skipped }) => skipped > 0n).slice(0, MAX_SKIPPING);
  return useQuery({
    queryKey: ['overview', 'schedules', ids.join(), skipping.map(({ version }) => version).join()],
    enabled: ids.length > 0 || skipping.length > 0,
    queryFn: async () => {
      const lastTasks = new Map<string, Task>();
      for (let from = 0; from < ids.length; from += 200) {
        const filter = { ids: ids.slice(from, from + 200) };
        const { tasks: found } = await tasks.listTasks({ filter, pageSize: 200 });
        for (const task of found) lastTasks.set(task.id, task);
      }
      const fires = await Promise.all(
        skipping.map(async ({ id }) => {
          const { fires: found } = await schedules.listFires({ key: id, pageSize: 1 });
          return [id, found[0]] as const;
        }),
      );
      const lastFires = new Map<string, Fire>();
      for (const [id, fire] of fires) if (fire !== undefined) lastFires.set(id, fire);
      return { lastTasks, lastFires };
    },
    refetchInterval: OFTEN_MS,
    placeholderData: keepPreviousData,
  });
}
