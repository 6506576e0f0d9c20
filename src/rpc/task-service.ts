/**
 * TaskService: create, look at, act on and follow tasks.
 *
 * Each method translates its request, asks the supervisor, and translates the answer; requests have passed the gate and
 * the constraints. Streams end with `unavailable` when the process stops, so that nobody takes that for the end of a task.
 */
import type { ConnectRouter, ServiceImpl } from '@connectrpc/connect';
import { MusterError } from '../../machines/errors.ts';
import {
  type ListTasksRequest,
  type ListTasksResponse,
  Resolution,
  TaskFilterSchema,
  TaskService,
} from '../../proto/gen/muster/v1/task_service_pb.ts';
import type { Supervisor, Tasks } from '../supervisor/supervisor.ts';
import { actionOf } from './actions.ts';
import { callerOf } from './auth.ts';
import { bulkMethods } from './bulk-methods.ts';
import { offsetOf, outputItems, taskChanges } from './following.ts';
import { lateReportOf, transitionOf } from './history-messages.ts';
import { outputRangeOf, statisticsOf, streamNameOf } from './output-messages.ts';
import { filterDigest, makePageToken, readPageToken } from './page-token.ts';
import { untilStopping, withEither } from './stopping.ts';
import { filterOf } from './task-filter.ts';
import { taskOf, taskOfDetails } from './task-messages.ts';
import { draftOf } from './task-spec.ts';
import { msOfDuration, msOfTimestamp } from './times.ts';

const DEFAULT_PAGE_SIZE = 50;
const DEFAULT_HISTORY_SIZE = 200;
const MAX_WAIT_MS = 60_000;
const MAX_READ_BYTES = 2 ** 20;
const TASK_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const RESOLUTIONS: Readonly<Partial<Record<number, Parameters<Tasks['resolve']>[1]>>> = {
  [Resolution.LOST]: 'lost',
  [Resolution.COMPLETED]: 'completed',
  [Resolution.FAILED]: 'failed',
  [Resolution.CANCELLED]: 'cancelled',
};

/** @param stopping fires when the process begins to stop */
export function routeTaskService(
  router: ConnectRouter,
  { tasks }: Supervisor,
  stopping: AbortSignal,
): void {
  router.service(TaskService, {
    ...changingMethods(tasks),
    ...readingMethods(tasks),
    ...followingMethods(tasks, stopping),
    ...bulkMethods(tasks, stopping),
  });
}

type Methods<K extends keyof ServiceImpl<typeof TaskService>> = Pick<
  ServiceImpl<typeof TaskService>,
  K
>;

function changingMethods(
  tasks: Tasks,
): Methods<
  | 'createTask'
  | 'createTasks'
  | 'executeTask'
  | 'cancelTask'
  | 'pauseTask'
  | 'resumeTask'
  | 'retryTask'
  | 'resolveTask'
  | 'deleteTask'
> {
  return {
    async createTask({ spec, requestId }, context) {
      if (spec === undefined) throw missing('CreateTask', 'spec');
      const draft = draftOf(spec, 'spec', actionOf('CreateTask'));
      const [record] = await tasks.create([draft], callerOf(context), requestId);
      if (record === undefined) throw new Error('a created task has no record');
      return { task: { ...taskOf(record), spec } };
    },
    async createTasks({ specs, requestId }, context) {
      const action = actionOf('CreateTasks');
      const drafts = specs.map((spec, index) => draftOf(spec, `specs[${index}]`, action));
      const records = await tasks.create(drafts, callerOf(context), requestId);
      return { tasks: records.map(taskOf) };
    },
    async executeTask({ id }, context) {
      return { task: taskOf(await tasks.execute(id.toLowerCase(), callerOf(context))) };
    },
    async cancelTask({ id, note }, context) {
      return { task: taskOf(await tasks.cancel(id.toLowerCase(), note, callerOf(context))) };
    },
    async pauseTask({ id, note }, context) {
      return { task: taskOf(await tasks.pause(id.toLowerCase(), note, callerOf(context))) };
    },
    async resumeTask({ id }, context) {
      return { task: taskOf(await tasks.resume(id.toLowerCase(), callerOf(context))) };
    },
    async retryTask({ id, requestId, failedOnly }, context) {
      const caller = callerOf(context);
      return { task: taskOf(await tasks.retry(id.toLowerCase(), failedOnly, caller, requestId)) };
    },
    async resolveTask({ id, resolution, note }, context) {
      const name = RESOLUTIONS[resolution];
      if (name === undefined) throw missing('ResolveTask', 'resolution');
      const record = await tasks.resolve(id.toLowerCase(), name, note, callerOf(context));
      return { task: taskOf(record) };
    },
    async deleteTask({ id }) {
      await tasks.delete(id.toLowerCase());
      return {};
    },
  };
}

function readingMethods(
  tasks: Tasks,
): Methods<
  'getTask' | 'listTasks' | 'getTaskHistory' | 'verifyTask' | 'readOutput' | 'getStatistics'
> {
  return {
    getTask: async ({ id }) => ({ task: taskOfDetails(await tasks.get(id.toLowerCase())) }),
    listTasks: (request) => listTasks(tasks, request),
    async getTaskHistory({ id, afterVersion, pageSize = DEFAULT_HISTORY_SIZE }) {
      const history = await tasks.history(id.toLowerCase(), afterVersion, pageSize);
      return {
        transitions: history.transitions.map(transitionOf),
        lateReports: history.lateReports.map(lateReportOf),
        hasMore: history.hasMore,
        expired: history.isExpired,
      };
    },
    async verifyTask({ id }) {
      const { transitions, differences, isExpired } = await tasks.verify(id.toLowerCase());
      const clean = differences.length === 0;
      return { clean, transitions, differences: [...differences], expired: isExpired };
    },
    async readOutput({ id, attempt, stream, offset, limitBytes = MAX_READ_BYTES }) {
      const from = offsetOf(offset, 'ReadOutput', 'offset');
      const name = streamNameOf(stream);
      return outputRangeOf(
        await tasks.readOutput(id.toLowerCase(), attempt, name, from, limitBytes),
      );
    },
    async getStatistics({ createdFrom, createdUntil }) {
      const action = actionOf('GetStatistics');
      const from = msOfTimestamp(createdFrom, 'created_from', action);
      const until = msOfTimestamp(createdUntil, 'created_until', action);
      return statisticsOf(await tasks.statistics(from, until));
    },
  };
}

function followingMethods(
  tasks: Tasks,
  stopping: AbortSignal,
): Methods<'waitTask' | 'watchTasks' | 'tailOutput'> {
  return {
    async waitTask({ id, timeout }, context) {
      const timeoutMs = timeout === undefined ? MAX_WAIT_MS : msOfDuration(timeout);
      const record = await withEither(context.signal, stopping, (signal) =>
        tasks.wait(id.toLowerCase(), timeoutMs, signal),
      );
      return { task: taskOf(record) };
    },
    watchTasks: (request, context) =>
      untilStopping(context.signal, stopping, (signal) => taskChanges(tasks, request, signal)),
    tailOutput: (request, context) =>
      untilStopping(context.signal, stopping, (signal) => outputItems(tasks, request, signal)),
  };
}

async function listTasks(
  tasks: Tasks,
  { filter, pageSize = DEFAULT_PAGE_SIZE, pageToken }: ListTasksRequest,
): Promise<Pick<ListTasksResponse, 'tasks' | 'nextPageToken'>> {
  const action = actionOf('ListTasks');
  const conditions = filterOf(filter, action);
  const digest = filterDigest(TaskFilterSchema, filter);
  const before = readPageToken(pageToken, digest, TASK_ID, action);
  // One more than asked for tells whether another page follows.
  const records = await tasks.list(conditions, pageSize + 1, before);
  const page = records.slice(0, pageSize);
  const last = page.at(-1);
  const hasMore = records.length > pageSize && last !== undefined;
  return { tasks: page.map(taskOf), nextPageToken: hasMore ? makePageToken(digest, last.id) : '' };
}

function missing(method: string, field: string): MusterError {
  return new MusterError('invalid_argument', `Cannot ${actionOf(method)}: ${field} is missing`);
}
