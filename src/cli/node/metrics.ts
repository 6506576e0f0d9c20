/** `muster node metrics`: how busy and how full a host was, as a line of bars for each measurement. */
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import {
  type HostMetrics,
  HostMetricsSchema,
} from '../../../proto/gen/muster/v1/node_metrics_pb.ts';
import { GetNodeMetricsResponseSchema } from '../../../proto/gen/muster/v1/node_service_pb.ts';
import type { ClientFlags } from '../client-flags.ts';
import { unary, withConnection } from '../connection.ts';
import { EXIT } from '../exit.ts';
import { UsageFault } from '../fault.ts';
import { bytesText, shareText } from '../node-view.ts';
import { messageJson, outputForm, printDocument, printLines, printTable } from '../output.ts';
import { note } from '../sink.ts';
import { sparkline } from '../sparkline.ts';
import { formatTimeOfDay, parseTime } from '../time.ts';

export interface NodeMetricsFlags extends ClientFlags {
  readonly since?: string;
  readonly until?: string;
}

const BARS = 40;

/** Shows the measurements of a node; returns the exit code. */
export async function showNodeMetrics(id: string, flags: NodeMetricsFlags): Promise<number> {
  const form = outputForm(flags.output);
  const now = Date.now();
  const from = parseTime(flags.since ?? '1h', '--since', 'past', now);
  const until = flags.until === undefined ? now : parseTime(flags.until, '--until', 'past', now);
  if (from > until) throw new UsageFault('--since must be before --until');
  return await withConnection(flags, async ({ nodes }) => {
    const range = { since: timestampFromMs(from), until: timestampFromMs(until) };
    const response = await nodes.getNodeMetrics({ nodeId: id, ...range }, unary);
    const { points } = response;
    if (form === 'json') await printDocument(messageJson(GetNodeMetricsResponseSchema, response));
    else if (form === 'jsonl') {
      await printLines(points.map((point) => messageJson(HostMetricsSchema, point)));
    } else if (points.length === 0) await note('nothing was measured in this time');
    else await printMetrics(points, { from, until });
    return EXIT.ok;
  });
}

interface Line {
  readonly name: string;
  readonly read: (point: HostMetrics) => number;
  readonly show: (value: number) => string;
  /** What a full bar means; the highest value where there is none. */
  readonly full?: number;
}

/** Points without a disk would draw an empty one. */
function linesOf(points: readonly HostMetrics[]): Line[] {
  const most = (read: (point: HostMetrics) => number) => Math.max(...points.map(read));
  const load = (value: number) => value.toFixed(2);
  const diskTotal = most((point) => Number(point.diskTotalBytes));
  return [
    { name: 'cpu', read: (point) => point.cpuShare, show: shareText, full: 1 },
    { name: 'load 1 min', read: (point) => point.load1, show: load },
    { name: 'load 5 min', read: (point) => point.load5, show: load },
    { name: 'load 15 min', read: (point) => point.load15, show: load },
    {
      name: 'memory',
      read: (point) => Number(point.memoryUsedBytes),
      show: bytesText,
      full: most((point) => Number(point.memoryTotalBytes)),
    },
    ...(diskTotal === 0
      ? []
      : [
          {
            name: 'disk',
            read: (point: HostMetrics) => Number(point.diskUsedBytes),
            show: bytesText,
            full: diskTotal,
          },
        ]),
  ];
}

async function printMetrics(
  points: readonly HostMetrics[],
  range: { readonly from: number; readonly until: number },
): Promise<void> {
  const right = { align: 'right' as const };
  const title = `${formatTimeOfDay(range.from)} TO ${formatTimeOfDay(range.until)}`;
  const columns = [
    { title: 'MEASURED' },
    { title: 'LAST', ...right },
    { title: 'LEAST', ...right, dropOrder: 1 },
    { title: 'MEAN', ...right, dropOrder: 2 },
    { title: 'MOST', ...right },
    { title },
  ];
  const rows = linesOf(points).map(({ name, read, show, full }) => {
    const values = points.map(read);
    const most = Math.max(...values);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const samples = points.map((point) => ({
      at: point.at === undefined ? 0 : timestampMs(point.at),
      value: read(point),
    }));
    const numbers = [values.at(-1) ?? 0, Math.min(...values), mean, most].map(show);
    return [name, ...numbers, sparkline(samples, range, full ?? most, BARS)];
  });
  await printTable(columns, rows);
}
