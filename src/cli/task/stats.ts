/** `muster task stats`: how many tasks there are by state, type and node, how long they take, and how old the oldest pending one was. */
import { durationMs, timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import type { Duration, Timestamp } from '@bufbuild/protobuf/wkt';
import type {
  DurationSummary,
  GetStatisticsResponse,
  NamedCount,
} from '../../../proto/gen/muster/v1/statistics_pb.ts';
import { GetStatisticsResponseSchema } from '../../../proto/gen/muster/v1/statistics_pb.ts';
import { unary, withConnection } from '../connection.ts';
import { formatDuration } from '../duration.ts';
import { EXIT } from '../exit.ts';
import { messageJson, outputForm, printDocument, printLines, printTable } from '../output.ts';
import { stdout } from '../sink.ts';
import type { RangeFlags } from '../task-filter.ts';
import { buildRange } from '../task-filter.ts';
import { stateCell, stateName } from '../task-view.ts';
import { formatTime } from '../time.ts';

const HOUR_MS = 3_600_000;

/** Shows statistics; returns the exit code. */
export async function showStatistics(flags: RangeFlags): Promise<number> {
  const form = outputForm(flags.output);
  const range = buildRange(flags, Date.now());
  return await withConnection(flags, async (connection) => {
    const statistics = await connection.tasks.getStatistics(range, unary);
    const json = messageJson(GetStatisticsResponseSchema, statistics);
    if (form === 'json') await printDocument(json);
    else if (form === 'jsonl') await printLines([json]);
    else await printStatistics(statistics);
    return EXIT.ok;
  });
}

async function printStatistics(statistics: GetStatisticsResponse): Promise<void> {
  const { createdFrom, createdUntil } = statistics;
  const bounds = [
    createdFrom && `from ${hourText(createdFrom)}`,
    createdUntil && `until ${hourText(createdUntil)}`,
  ].filter((bound) => bound !== undefined);
  if (bounds.length > 0) await stdout.write(`Tasks created ${bounds.join(' ')}\n\n`);
  const states = statistics.byState.map((one) => [stateCell(stateName(one)), String(one.count)]);
  states.push(['total', String(statistics.total)]);
  await printTable([{ title: 'STATE' }, { title: 'TASKS', align: 'right' }], states);
  await printCounts('TYPE', statistics.byType, '-');
  await printCounts('NODE', nodeCounts(statistics), '(none yet)');
  await printDurations(statistics.waiting, statistics.running);
  const hours = hourRows(statistics);
  if (hours.length === 0) return;
  await stdout.write('\n');
  await printTable(
    [
      { title: 'HOUR' },
      ...['CREATED', 'COMPLETED', 'FAILED', 'OLDEST PENDING'].map((title) => ({
        title,
        align: 'right' as const,
      })),
    ],
    hours,
  );
}

/** Fan-outs have no node themselves: they are counted apart from the tasks that have none yet. */
export function nodeCounts({
  byNode,
  byType,
}: Pick<GetStatisticsResponse, 'byNode' | 'byType'>): Pick<NamedCount, 'name' | 'count'>[] {
  const fanOuts = byType.find(({ name }) => name === 'fan_out')?.count ?? 0n;
  return byNode.flatMap(({ name, count }) => {
    if (name !== '' || fanOuts === 0n) return [{ name, count }];
    const waiting = count > fanOuts ? [{ name, count: count - fanOuts }] : [];
    return [...waiting, { name: '(fan-outs)', count: fanOuts }];
  });
}

/** Hours in which tasks were created, or any was pending, in order. */
function hourRows({ byHour, oldestPending }: GetStatisticsResponse): string[][] {
  const counts = new Map(byHour.map((count) => [hourOf(count.hour), count]));
  const ages = new Map<number, number>();
  for (const { at, oldest } of oldestPending) {
    const ms = oldest === undefined ? 0 : durationMs(oldest);
    if (ms > 0) ages.set(hourOf(at), Math.max(ages.get(hourOf(at)) ?? 0, ms));
  }
  const hours = [...new Set([...counts.keys(), ...ages.keys()])].sort((a, b) => a - b);
  return hours.map((hour) => {
    const { created = 0n, completed = 0n, failed = 0n } = counts.get(hour) ?? {};
    const age = ages.get(hour);
    return [
      hourText(timestampFromMs(hour)),
      ...[created, completed, failed].map(String),
      age === undefined ? '-' : formatDuration(age),
    ];
  });
}

/** The hour of UTC that a time is in, in ms since 1970. */
function hourOf(at: Timestamp | undefined): number {
  return at === undefined ? 0 : Math.floor(timestampMs(at) / HOUR_MS) * HOUR_MS;
}

async function printCounts(
  title: string,
  counts: readonly Pick<NamedCount, 'name' | 'count'>[],
  unnamed: string,
) {
  if (counts.length === 0) return;
  await stdout.write('\n');
  const columns = [{ title }, { title: 'TASKS', align: 'right' as const }];
  await printTable(
    columns,
    counts.map(({ name, count }) => [name || unnamed, String(count)]),
  );
}

async function printDurations(
  waiting: DurationSummary | undefined,
  running: DurationSummary | undefined,
): Promise<void> {
  const rows = [['waiting', waiting] as const, ['running', running] as const].flatMap(
    ([name, summary]) =>
      summary === undefined || summary.count === 0n
        ? []
        : [
            [
              name,
              String(summary.count),
              ...[summary.p50, summary.p95, summary.max].map(durationText),
            ],
          ],
  );
  if (rows.length === 0) return;
  await stdout.write('\n');
  const numbers = ['TASKS', 'P50', 'P95', 'MAX'].map((title) => ({
    title,
    align: 'right' as const,
  }));
  await printTable([{ title: 'DURATION' }, ...numbers], rows);
}

/** Without seconds: hours of UTC are whole or half hours of any zone. */
function hourText(hour: Timestamp): string {
  return formatTime(timestampMs(hour)).slice(0, 16);
}

function durationText(duration: Duration | undefined): string {
  return duration === undefined ? '' : formatDuration(durationMs(duration));
}
