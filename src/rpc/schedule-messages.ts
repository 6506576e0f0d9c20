/**
 * Schedules as messages, both ways: a valid ScheduleSpec becomes a draft, what is stored becomes a Schedule.
 *
 * Called by schedule-service.ts after validation.
 */
import { create, fromJson, type JsonValue, toJson } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { MusterError } from '../../machines/errors.ts';
import type {
  Missed as MissedName,
  Overlap as OverlapName,
  Timing,
} from '../../machines/schedule-context.ts';
import {
  type Fire,
  FireSchema,
  Missed,
  Overlap,
  type Schedule,
  ScheduleSchema,
  type ScheduleSpec,
  ScheduleSpecSchema,
  ScheduleState,
  type Timing as TimingMessage,
} from '../../proto/gen/muster/v1/schedule_pb.ts';
import type { UpdateScheduleRequest } from '../../proto/gen/muster/v1/schedule_service_pb.ts';
import { StartMode } from '../../proto/gen/muster/v1/task_pb.ts';
import type { FireRecord, ScheduleDraft, ScheduleRecord } from '../supervisor/supervisor.ts';
import { draftOf } from './task-spec.ts';
import { msOfDuration, msOfTimestamp, showDuration, timestampOf } from './times.ts';

const DEFAULT_MISSED_WINDOW_MS = 3_600_000;

const OVERLAPS: Readonly<Partial<Record<Overlap, OverlapName>>> = {
  [Overlap.ALLOW]: 'allow',
  [Overlap.REPLACE]: 'replace',
  [Overlap.QUEUE]: 'queue',
};

const MISSED: Readonly<Partial<Record<Missed, MissedName>>> = {
  [Missed.SKIP]: 'skip',
  [Missed.ALL]: 'all',
};

const STATES: Readonly<Record<string, ScheduleState>> = {
  active: ScheduleState.ACTIVE,
  paused: ScheduleState.PAUSED,
  ended: ScheduleState.ENDED,
};

/** When a schedule is due, and within which bounds. */
export interface TimingDraft {
  readonly timing: Timing;
  readonly startAt: number | null;
  readonly endAt: number | null;
}

/**
 * Makes a draft of a spec.
 *
 * @param action completes the sentence `Cannot …`
 * @throws MusterError `invalid_argument`
 */
export function scheduleDraftOf(spec: ScheduleSpec, action: string): ScheduleDraft {
  const { name, timing, jitter, overlap, missed, missedWindow, task } = spec;
  if (timing === undefined || task === undefined) {
    throw refusal(action, 'spec.timing and spec.task are needed');
  }
  if (task.start === StartMode.MANUAL || task.startAt !== undefined) {
    throw refusal(
      action,
      'spec.task.start and spec.task.start_at do not go with a schedule, which says when',
    );
  }
  const timingDraft = timingDraftOf(timing, 'spec.timing', action);
  const jitterMs = jitter === undefined ? 0 : msOfDuration(jitter);
  const intervalMs = timingDraft.timing.kind === 'every' ? timingDraft.timing.everyMs : null;
  if (jitter !== undefined && intervalMs !== null && jitterMs > intervalMs) {
    const interval = showDuration(durationFromMs(intervalMs));
    throw refusal(
      action,
      `spec.jitter is ${showDuration(jitter)}; it must be at most as long as the interval, ${interval}`,
    );
  }
  return {
    name,
    ...timingDraft,
    jitterMs,
    overlap: OVERLAPS[overlap] ?? 'forbid',
    missed: MISSED[missed] ?? 'latest',
    missedWindowMs:
      missedWindow === undefined ? DEFAULT_MISSED_WINDOW_MS : msOfDuration(missedWindow),
    task: draftOf(task, 'spec.task', action),
    spec: toJson(ScheduleSpecSchema, spec),
  };
}

/** Tells whether an update says anything. */
export function hasPart(request: UpdateScheduleRequest): boolean {
  const { timing, jitter, overlap, missed, missedWindow, task } = request;
  const parts = [timing, jitter, missedWindow, task];
  return parts.some((part) => part !== undefined) || overlap !== 0 || missed !== 0;
}

/** Returns a stored spec with the parts of an update in place of its own. */
export function mergedScheduleSpec(stored: unknown, request: UpdateScheduleRequest): ScheduleSpec {
  const spec = specMessageOf(stored);
  const { timing, jitter, overlap, missed, missedWindow, task } = request;
  return create(ScheduleSpecSchema, {
    ...spec,
    ...(timing === undefined ? {} : { timing }),
    ...(jitter === undefined ? {} : { jitter }),
    ...(overlap === Overlap.UNSPECIFIED ? {} : { overlap }),
    ...(missed === Missed.UNSPECIFIED ? {} : { missed }),
    ...(missedWindow === undefined ? {} : { missedWindow }),
    ...(task === undefined ? {} : { task }),
  });
}

function specMessageOf(stored: unknown): ScheduleSpec {
  return fromJson(ScheduleSpecSchema, stored as JsonValue, { ignoreUnknownFields: true });
}

/** @throws MusterError `invalid_argument` */
export function timingDraftOf(
  { kind, timeZone, startAt, endAt }: TimingMessage,
  field: string,
  action: string,
): TimingDraft {
  const bounds = {
    startAt: msOfTimestamp(startAt, `${field}.start_at`, action),
    endAt: msOfTimestamp(endAt, `${field}.end_at`, action),
  };
  if (kind.case !== 'cron' && timeZone !== '') {
    throw refusal(action, `${field}.time_zone goes with cron only`);
  }
  switch (kind.case) {
    case 'cron':
      return {
        timing: { kind: 'cron', expression: kind.value, timeZone: timeZone || 'UTC' },
        ...bounds,
      };
    case 'every':
      return { timing: { kind: 'every', everyMs: msOfDuration(kind.value) }, ...bounds };
    case 'at': {
      const at = msOfTimestamp(kind.value, `${field}.at`, action) ?? 0;
      return { timing: { kind: 'once', at }, ...bounds };
    }
    case undefined:
      throw refusal(action, `${field} says no time`);
  }
}

export function scheduleOf(record: ScheduleRecord): Schedule {
  const { path, context } = record.snapshot;
  return create(ScheduleSchema, {
    id: record.id,
    spec: specMessageOf(record.spec),
    state: STATES[path] ?? ScheduleState.UNSPECIFIED,
    nextAt: timestampOf(path === 'active' ? context.nextAt : null),
    lastTaskId: context.lastTaskId ?? '',
    lastFiredAt: timestampOf(context.lastFiredAt),
    fired: BigInt(context.fired),
    skipped: BigInt(context.skipped),
    note: context.note,
    creator: record.creator,
    version: record.version,
    createdAt: timestampOf(record.createdAt),
    updatedAt: timestampOf(record.updatedAt),
  });
}

export function fireOf({ dueAt, isManual, taskId, why, at }: FireRecord): Fire {
  return create(FireSchema, {
    dueAt: timestampOf(dueAt),
    manual: isManual,
    taskId: taskId ?? '',
    why,
    at: timestampOf(at),
  });
}

function refusal(action: string, fault: string): MusterError {
  return new MusterError('invalid_argument', `Cannot ${action}: ${fault}`);
}
