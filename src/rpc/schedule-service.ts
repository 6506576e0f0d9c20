/**
 * ScheduleService: create schedules and look after them.
 *
 * Each method translates its request, asks the supervisor, and translates the answer; requests have passed the gate and the
 * constraints.
 */
import { create } from '@bufbuild/protobuf';
import type { ConnectRouter } from '@connectrpc/connect';
import { MusterError } from '../../machines/errors.ts';
import {
  ListSchedulesRequestSchema,
  ScheduleService,
} from '../../proto/gen/muster/v1/schedule_service_pb.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import { actionOf } from './actions.ts';
import { callerOf } from './auth.ts';
import { actorTransitionOf } from './history-messages.ts';
import { filterDigest, makePageToken, readPageToken } from './page-token.ts';
import {
  fireOf,
  hasPart,
  mergedScheduleSpec,
  scheduleDraftOf,
  scheduleOf,
  timingDraftOf,
} from './schedule-messages.ts';
import { msOfTimestamp, timestampOf } from './times.ts';

const DEFAULT_PAGE_SIZE = 50;
const DEFAULT_PREVIEW = 5;
const DEFAULT_HISTORY_SIZE = 200;
const NAME = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

export function routeScheduleService(router: ConnectRouter, { schedules }: Supervisor): void {
  router.service(ScheduleService, {
    async createSchedule({ spec }, context) {
      const action = actionOf('CreateSchedule');
      if (spec === undefined) throw missing(action, 'spec');
      const draft = scheduleDraftOf(spec, action);
      return { schedule: scheduleOf(await schedules.create(draft, callerOf(context))) };
    },
    async updateSchedule(request, context) {
      const { key, expectedVersion } = request;
      const action = actionOf('UpdateSchedule');
      if (!hasPart(request)) throw missing(action, 'what is to change');
      const revise = (stored: unknown) =>
        scheduleDraftOf(mergedScheduleSpec(stored, request), action);
      const expected = expectedVersion === 0 ? null : expectedVersion;
      const record = await schedules.update(key, expected, revise, callerOf(context));
      return { schedule: scheduleOf(record) };
    },
    getSchedule: async ({ key }) => ({ schedule: scheduleOf(await schedules.get(key)) }),
    async listSchedules({ pageSize = DEFAULT_PAGE_SIZE, pageToken }) {
      const digest = filterDigest(ListSchedulesRequestSchema, create(ListSchedulesRequestSchema));
      const after = readPageToken(pageToken, digest, NAME, actionOf('ListSchedules'));
      // One more than asked for tells whether another page follows.
      const records = await schedules.list(pageSize + 1, after);
      const page = records.slice(0, pageSize);
      const last = page.at(-1);
      const hasMore = records.length > pageSize && last !== undefined;
      return {
        schedules: page.map(scheduleOf),
        nextPageToken: hasMore ? makePageToken(digest, last.name) : '',
      };
    },
    async pauseSchedule({ key, note }, context) {
      return { schedule: scheduleOf(await schedules.pause(key, note, callerOf(context))) };
    },
    async resumeSchedule({ key }, context) {
      return { schedule: scheduleOf(await schedules.resume(key, callerOf(context))) };
    },
    async triggerSchedule({ key }, context) {
      const { record, fire } = await schedules.trigger(key, callerOf(context));
      return { schedule: scheduleOf(record), fire: fireOf(fire) };
    },
    async deleteSchedule({ key }) {
      await schedules.delete(key);
      return {};
    },
    async previewSchedule({ timing, count = DEFAULT_PREVIEW }) {
      const action = actionOf('PreviewSchedule');
      if (timing === undefined) throw missing(action, 'timing');
      const { startAt, endAt, timing: read } = timingDraftOf(timing, 'timing', action);
      const times = schedules.preview(read, startAt, endAt, count);
      return { dueAt: times.flatMap((ms) => timestampOf(ms) ?? []) };
    },
    async listFires({ key, pageSize = DEFAULT_PAGE_SIZE, before }) {
      const until = msOfTimestamp(before, 'before', actionOf('ListFires'));
      return { fires: (await schedules.fires(key, pageSize, until)).map(fireOf) };
    },
    async getScheduleHistory({ key, afterVersion, pageSize = DEFAULT_HISTORY_SIZE }) {
      // One more than asked for tells whether there are later ones.
      const steps = await schedules.history(key, afterVersion, pageSize + 1);
      const transitions = steps.slice(0, pageSize).map(actorTransitionOf);
      return { transitions, hasMore: steps.length > pageSize };
    },
    async verifySchedule({ key }) {
      const { differences, fromVersion } = await schedules.verify(key);
      return { clean: differences.length === 0, differences: [...differences], fromVersion };
    },
  });
}

function missing(action: string, field: string): MusterError {
  return new MusterError('invalid_argument', `Cannot ${action}: ${field} is missing`);
}
