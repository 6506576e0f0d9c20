/** `muster task stats`: how many tasks there are by state, type and node, and how long they take. */
import { durationMs, timestampMs } from '@bufbuild/protobuf/wkt';
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
  await printCounts('NODE', statistics.byNode, '(none yet)');
  await printDurations(statistics.waiting, statistics.running);
  const hours = statistics.byHour.filter(
    (hour) => hour.created + hour.completed + hour.failed > 0n,
  );
  if (hours.length === 0) return;
  await stdout.write('\n');
  await printTable(
    [
      { title: 'HOUR' },
      ...['CREATED', 'COMPLETED', 'FAILED'].map((title) => ({ title, align: 'right' as const })),
    ],
    hours.map(({ hour, created, completed, failed }) => [
      hour === undefined ? '' : hourText(hour),
      ...[created, completed, failed].map(String),
    ]),
  );
}

async function printCounts(title: string, counts: readonly NamedCount[], unnamed: string) {
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
