/**
 * How schedules and their fires look on a terminal.
 */
import { type Duration, durationMs, type Timestamp, timestampMs } from '@bufbuild/protobuf/wkt';
import type { Fire, Schedule } from '../../proto/gen/muster/v1/schedule_pb.ts';
import { Missed, Overlap, ScheduleState } from '../../proto/gen/muster/v1/schedule_pb.ts';
import type { TaskSpec } from '../../proto/gen/muster/v1/task_pb.ts';
import { formatDuration } from './duration.ts';
import { enumName } from './enums.ts';
import { CliFault } from './fault.ts';
import { stdoutStyle } from './output.ts';
import type { Cell, Column } from './table.ts';
import { harmless } from './table.ts';
import { targetText } from './target-view.ts';
import { absolute, labelsText, specDetails } from './task-view.ts';
import { formatAge, formatTime } from './time.ts';

export const SCHEDULE_COLUMNS: readonly Column[] = [
  { title: 'NAME' },
  { title: 'STATE' },
  { title: 'WHEN' },
  { title: 'NEXT' },
  { title: 'FIRED', align: 'right' },
  { title: 'SKIPPED', align: 'right' },
  { title: 'LAST TASK' },
];

export const FIRE_COLUMNS: readonly Column[] = [
  { title: 'DUE' },
  { title: 'HOW' },
  { title: 'TASK' },
  { title: 'WHY NOT' },
];

/** Returns the schedule of a response. @throws CliFault when there is none */
export function requireSchedule(response: { readonly schedule?: Schedule | undefined }): Schedule {
  if (response.schedule === undefined)
    throw new CliFault('the supervisor has returned no schedule');
  return response.schedule;
}

/** What a command on a schedule prints. */
export function scheduleLine(schedule: Schedule, nowMs: number): string {
  const next = schedule.nextAt === undefined ? '' : `  next ${absolute(schedule.nextAt, nowMs)}`;
  const note = schedule.note === '' ? '' : `  ${harmless(schedule.note)}`;
  return `${schedule.spec?.name}  ${stateWord(schedule)}${next}${note}`;
}

export function scheduleRow(schedule: Schedule, nowMs: number): (Cell | string)[] {
  return [
    schedule.spec?.name ?? '',
    { text: stateWord(schedule), paint: painted(schedule) },
    harmless(whenText(schedule)),
    schedule.nextAt === undefined ? '-' : formatAge(timestampMs(schedule.nextAt), nowMs),
    String(schedule.fired),
    String(schedule.skipped),
    schedule.lastTaskId || '-',
  ];
}

/** Returns the details of a schedule, name by name; an empty value is not to be shown. */
export function scheduleDetails(schedule: Schedule, nowMs: number): [string, string][] {
  const { spec } = schedule;
  const at = (time: Timestamp | undefined) => absolute(time, nowMs);
  return [
    ['ID', schedule.id],
    ['Name', spec?.name ?? ''],
    ['State', stateWord(schedule)],
    ['Note', harmless(schedule.note)],
    ['When', harmless(whenText(schedule))],
    ['From', at(spec?.timing?.startAt)],
    ['Until', at(spec?.timing?.endAt)],
    ['Jitter', spanText(spec?.jitter)],
    ['Next', at(schedule.nextAt)],
    ['Overlap', enumName(Overlap, spec?.overlap || Overlap.FORBID)],
    ['Missed', enumName(Missed, spec?.missed || Missed.LATEST)],
    ['Missed window', spanText(spec?.missedWindow)],
    ...(spec?.task === undefined ? [] : taskDetails(spec.task)),
    ['Fired', String(schedule.fired)],
    ['Skipped', String(schedule.skipped)],
    ['Last task', schedule.lastTaskId],
    ['Creator', harmless(schedule.creator)],
    ['Version', String(schedule.version)],
    ['Created', at(schedule.createdAt)],
    ['Updated', at(schedule.updatedAt)],
  ];
}

/** What each fire makes. */
function taskDetails(task: TaskSpec): [string, string][] {
  const { maxAttempts, priority } = task.policy ?? {};
  return [
    ['Runs on', targetText(task)],
    ['Attempts', maxAttempts === undefined ? '' : `up to ${maxAttempts}`],
    ['Priority', priority === undefined ? '' : String(priority)],
    ['Labels', labelsText(task.labels)],
    ...specDetails(task),
  ];
}

export function fireRow({ dueAt, manual, taskId, why }: Fire): string[] {
  return [
    dueAt === undefined ? '' : formatTime(timestampMs(dueAt)),
    manual ? 'by hand' : 'due',
    taskId || '-',
    harmless(why),
  ];
}

function whenText({ spec }: Schedule): string {
  const timing = spec?.timing;
  switch (timing?.kind.case) {
    case 'cron':
      return `${timing.kind.value} ${timing.timeZone || 'UTC'}`;
    case 'every':
      return `every ${formatDuration(durationMs(timing.kind.value))}`;
    case 'at':
      return `at ${formatTime(timestampMs(timing.kind.value))}`;
    case undefined:
      return '';
  }
}

function spanText(span: Duration | undefined): string {
  return span === undefined ? '' : formatDuration(durationMs(span));
}

function stateWord({ state }: Schedule): string {
  return enumName(ScheduleState, state);
}

function painted({ state }: Schedule): (text: string) => string {
  const style = stdoutStyle();
  if (state === ScheduleState.ACTIVE) return style.green;
  return state === ScheduleState.PAUSED ? style.yellow : style.dim;
}
