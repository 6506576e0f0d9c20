/** `muster schedule list|get|pause|resume|trigger|delete|fires|verify`. */
import { create } from '@bufbuild/protobuf';
import { FireSchema, ScheduleSchema } from '../../../proto/gen/muster/v1/schedule_pb.ts';
import type { Schedule } from '../../../proto/gen/muster/v1/schedule_pb.ts';
import type { VerifyScheduleResponse } from '../../../proto/gen/muster/v1/schedule_service_pb.ts';
import {
  ListFiresResponseSchema,
  ListSchedulesResponseSchema,
  TriggerScheduleResponseSchema,
  VerifyScheduleResponseSchema,
} from '../../../proto/gen/muster/v1/schedule_service_pb.ts';
import { BOUNDS } from '../bounds.ts';
import type { ClientFlags } from '../client-flags.ts';
import type { Connection } from '../connection.ts';
import { unary, withConnection } from '../connection.ts';
import { EXIT } from '../exit.ts';
import {
  messageJson,
  outputForm,
  printDeleted,
  printDetails,
  printDocument,
  printLines,
  printTable,
} from '../output.ts';
import { parseInteger } from '../pairs.ts';
import {
  FIRE_COLUMNS,
  SCHEDULE_COLUMNS,
  fireRow,
  requireSchedule,
  scheduleDetails,
  scheduleLine,
  scheduleRow,
} from '../schedule-view.ts';
import { note, stdout } from '../sink.ts';
import { harmless } from '../table.ts';

const PAGE_SIZE = 200;

export async function listSchedules(flags: ClientFlags): Promise<number> {
  const form = outputForm(flags.output);
  return await withConnection(flags, async (connection) => {
    const schedules: Schedule[] = [];
    let pageToken = '';
    do {
      const page = await connection.schedules.listSchedules(
        { pageSize: PAGE_SIZE, pageToken },
        unary,
      );
      schedules.push(...page.schedules);
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    if (form === 'json') {
      const all = create(ListSchedulesResponseSchema, { schedules });
      await printDocument(messageJson(ListSchedulesResponseSchema, all));
    } else if (form === 'jsonl') {
      await printLines(schedules.map((one) => messageJson(ScheduleSchema, one)));
    } else if (schedules.length === 0) await note('there is no schedule');
    else {
      const nowMs = Date.now();
      const rows = schedules.map((one) => scheduleRow(one, nowMs));
      await printTable(SCHEDULE_COLUMNS, rows);
    }
    return EXIT.ok;
  });
}

export async function getSchedule(key: string, flags: ClientFlags): Promise<number> {
  return await actOn(flags, true, async ({ schedules }) =>
    requireSchedule(await schedules.getSchedule({ key }, unary)),
  );
}

export async function pauseSchedule(
  key: string,
  flags: ClientFlags & { readonly note?: string },
): Promise<number> {
  return await actOn(flags, false, async ({ schedules }) =>
    requireSchedule(await schedules.pauseSchedule({ key, note: flags.note ?? '' }, unary)),
  );
}

export async function resumeSchedule(key: string, flags: ClientFlags): Promise<number> {
  return await actOn(flags, false, async ({ schedules }) =>
    requireSchedule(await schedules.resumeSchedule({ key }, unary)),
  );
}

/** The exit code is 1 when the former task was in the way. */
export async function triggerSchedule(key: string, flags: ClientFlags): Promise<number> {
  const form = outputForm(flags.output);
  return await withConnection(flags, async ({ schedules }) => {
    const response = await schedules.triggerSchedule({ key }, unary);
    const { taskId = '', why = '' } = response.fire ?? {};
    if (form !== 'table') {
      const json = messageJson(TriggerScheduleResponseSchema, response);
      await (form === 'json' ? printDocument(json) : printLines([json]));
    } else if (taskId === '') await note(`${key} has made no task: ${why}`);
    else await stdout.write(`${taskId}\n`);
    return taskId === '' ? EXIT.failure : EXIT.ok;
  });
}

export async function deleteSchedule(key: string, flags: ClientFlags): Promise<number> {
  const form = outputForm(flags.output);
  return await withConnection(flags, async ({ schedules }) => {
    await schedules.deleteSchedule({ key }, unary);
    await printDeleted(form, 'name', key);
    return EXIT.ok;
  });
}

export async function listFires(
  key: string,
  flags: ClientFlags & { readonly limit?: string },
): Promise<number> {
  const form = outputForm(flags.output);
  const size =
    flags.limit === undefined
      ? {}
      : { pageSize: parseInteger(flags.limit, '--limit', BOUNDS.pageSize) };
  return await withConnection(flags, async ({ schedules }) => {
    const response = await schedules.listFires({ key, ...size }, unary);
    const { fires } = response;
    if (form === 'json') await printDocument(messageJson(ListFiresResponseSchema, response));
    else if (form === 'jsonl') await printLines(fires.map((fire) => messageJson(FireSchema, fire)));
    else if (fires.length === 0) await note(`${key} has not been due yet`);
    else await printTable(FIRE_COLUMNS, fires.map(fireRow));
    return EXIT.ok;
  });
}

/** The exit code is 1 when the history and what is stored differ. */
export async function verifySchedule(key: string, flags: ClientFlags): Promise<number> {
  const form = outputForm(flags.output);
  return await withConnection(flags, async ({ schedules }) => {
    const { version } = requireSchedule(await schedules.getSchedule({ key }, unary));
    const response = await schedules.verifySchedule({ key }, unary);
    const { clean } = response;
    if (form === 'table') await stdout.write(verdictText(key, version, response));
    else {
      const json = messageJson(VerifyScheduleResponseSchema, response);
      await (form === 'json' ? printDocument(json) : printLines([json]));
    }
    return clean ? EXIT.ok : EXIT.failure;
  });
}

/** As `task verify` has it. @param version of the schedule, before it was verified */
function verdictText(key: string, version: number, proof: VerifyScheduleResponse): string {
  const { clean, differences, fromVersion } = proof;
  const hasExpired = fromVersion > 1;
  const count = version - (hasExpired ? fromVersion : 0);
  const since = hasExpired ? `, from version ${fromVersion} on: older steps have expired` : '';
  const lines = differences.map((difference) => `  ${harmless(difference)}\n`);
  return `${key}  ${clean ? '✓ clean' : '✗ not clean'}, ${count} transitions${since}\n${lines.join('')}`;
}

async function actOn(
  flags: ClientFlags,
  isDetailed: boolean,
  act: (connection: Connection) => Promise<Schedule>,
): Promise<number> {
  const form = outputForm(flags.output);
  return await withConnection(flags, async (connection) => {
    const schedule = await act(connection);
    const json = messageJson(ScheduleSchema, schedule);
    if (form === 'json') await printDocument(json);
    else if (form === 'jsonl') await printLines([json]);
    else if (isDetailed) await printDetails(scheduleDetails(schedule, Date.now()));
    else await stdout.write(`${scheduleLine(schedule, Date.now())}\n`);
    return EXIT.ok;
  });
}
