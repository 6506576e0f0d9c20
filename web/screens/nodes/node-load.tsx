/** How busy and how full a host was: curves of the last hours, with the same in words and as a table. */
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { explain, nodes } from '../../connection.ts';
import { Choice } from '../../ui/choice.tsx';
import { Empty, Failure, Panel } from '../../ui/page.tsx';
import { absoluteText } from '../../ui/time.tsx';
import { curvesOf, inWords, type LoadCurves } from './load-curves.ts';

const LineChart = lazy(async () => ({
  default: (await import('../../ui/line-chart.tsx')).LineChart,
}));

const RANGES = ['1h', '6h', '24h'] as const;
const HOUR_MS = 3_600_000;
const REFRESH_MS = 30_000;
/** Rows of the table; the newest first. */
const TABLE_ROWS = 30;

const numberText = (value: number) => String(Math.round(value * 100) / 100);
const percentText = (value: number) => `${numberText(value)}%`;

/** @param range one of RANGES @param form `table`, or empty for curves */
export function Load({
  nodeId,
  range,
  form,
}: {
  readonly nodeId: string;
  readonly range: string;
  readonly form: string;
}) {
  const navigate = useNavigate();
  const hours = Number.parseInt(RANGES.find((one) => one === range) ?? RANGES[0], 10);
  const { data, error } = useQuery({
    queryKey: ['metrics', nodeId, hours],
    queryFn: async () => {
      const since = timestampFromMs(Date.now() - hours * HOUR_MS);
      return curvesOf((await nodes.getNodeMetrics({ nodeId, since })).points);
    },
    refetchInterval: REFRESH_MS,
    placeholderData: (former) => former,
  });
  const set = (change: { readonly range?: string; readonly form?: string }) =>
    void navigate({
      to: '/nodes/$nodeId',
      params: { nodeId },
      replace: true,
      resetScroll: false,
      search: (former) => ({ ...former, ...change }),
    });
  return (
    <Panel
      title="Load"
      actions={
        <span className="flex gap-3">
          <Choice label="Form" value={form || 'curves'} onChoose={(to) => set({ form: to })}>
            {['curves', 'table']}
          </Choice>
          <Choice label="Range" value={`${hours}h`} onChoose={(to) => set({ range: to })}>
            {RANGES}
          </Choice>
        </span>
      }
    >
      {error === null ? null : <Failure>{explain(error)}</Failure>}
      {data === undefined ? (
        <Empty>Reading the measurements …</Empty>
      ) : data.times.length === 0 ? (
        <Empty>Nothing was measured in this time. A minute after it has connected, it is.</Empty>
      ) : form === 'table' ? (
        <AsTable curves={data} />
      ) : (
        <AsCurves curves={data} span={hours * 3_600} />
      )}
    </Panel>
  );
}

function AsCurves({ curves, span }: { readonly curves: LoadCurves; readonly span: number }) {
  const { times, cpu, memory, disk, load1, load5, load15 } = curves;
  const shares = [
    inWords('CPU', cpu, ' %'),
    inWords('memory', memory, ' %'),
    inWords('disk', disk, ' %'),
  ].join('; ');
  const loads = inWords('Load over 1 min', load1, '');
  return (
    <div className="grid gap-x-4 p-3 xl:grid-cols-2">
      <Suspense fallback={<Empty>Drawing …</Empty>}>
        <figure className="min-w-0">
          <LineChart
            times={times}
            span={span}
            label={shares}
            format={percentText}
            max={100}
            curves={[
              { label: 'CPU', color: 'accent', values: cpu },
              { label: 'Memory', color: 'good', values: memory, dash: [6, 3] },
              { label: 'Disk', color: 'warn', values: disk, dash: [2, 3] },
            ]}
          />
          <figcaption className="px-2 text-xs text-soft">{shares}.</figcaption>
        </figure>
        <figure className="min-w-0">
          <LineChart
            times={times}
            span={span}
            label={loads}
            format={numberText}
            curves={[
              { label: 'Load, 1 min', color: 'accent', values: load1 },
              { label: '5 min', color: 'good', values: load5, dash: [6, 3] },
              { label: '15 min', color: 'warn', values: load15, dash: [2, 3] },
            ]}
          />
          <figcaption className="px-2 text-xs text-soft">{loads}.</figcaption>
        </figure>
      </Suspense>
    </div>
  );
}

function AsTable({ curves }: { readonly curves: LoadCurves }) {
  const every = Math.max(Math.ceil(curves.times.length / TABLE_ROWS), 1);
  const rows = curves.times
    .map((_, index) => index)
    .filter((index) => (curves.times.length - 1 - index) % every === 0)
    .reverse();
  const columns: readonly (readonly [string, readonly (number | null)[], string])[] = [
    ['CPU', curves.cpu, ' %'],
    ['Memory', curves.memory, ' %'],
    ['Disk', curves.disk, ' %'],
    ['Load 1 min', curves.load1, ''],
    ['5 min', curves.load5, ''],
    ['15 min', curves.load15, ''],
  ];
  return (
    <div role="region" aria-label="Measurements" tabIndex={0} className="max-h-96 overflow-auto">
      <table className="w-full tabular-nums">
        <thead className="sticky top-0 bg-panel">
          <tr className="text-left text-xs text-soft">
            {['Time', ...columns.map(([title]) => title)].map((title) => (
              <th key={title} scope="col" className="px-3 py-2 font-medium">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((index) => (
            <tr key={curves.times[index]} className="border-t border-line">
              <td className="px-3 py-1 text-soft">
                {absoluteText((curves.times[index] ?? 0) * 1000).slice(0, 16)}
              </td>
              {columns.map(([title, values, unit]) => (
                <td key={title} className="px-3 py-1">
                  {values[index] == null ? '–' : `${Math.round(values[index] * 100) / 100}${unit}`}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
