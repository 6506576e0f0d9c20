/**
 * How long tasks have waited and run, by the hour of their creation: the median and what one in twenty exceeds. Beside them how old the
 * oldest pending task was.
 */
import type { Duration } from '@bufbuild/protobuf/wkt';
import { durationMs } from '@bufbuild/protobuf/wkt';
import { Link } from '@tanstack/react-router';
import { lazy, Suspense, useMemo } from 'react';
import type {
  DurationSummary,
  HourCount,
  PendingAge,
} from '../../../proto/gen/muster/v1/statistics_pb.ts';
import { Empty, Panel } from '../../ui/page.tsx';
import { DURATION_STEPS } from '../../ui/duration.ts';
import { durationText } from '../../ui/time.tsx';
import { ageCurve, ageInWords, SPAN_MS } from './pending-ages.ts';

const LineChart = lazy(async () => ({
  default: (await import('../../ui/line-chart.tsx')).LineChart,
}));

const HOUR_S = 3_600;
/** The top of the scale where no task has waited. */
const IDLE_MAX_MS = 60_000;

interface Hour {
  /** Its beginning, in ms since 1970. */
  readonly at: number;
  readonly count: HourCount | undefined;
}

/** @param hours without gaps, in order */
export function Durations({
  hours,
  ages,
}: {
  readonly hours: readonly Hour[];
  readonly ages: readonly PendingAge[];
}) {
  return (
    <div className="grid gap-4 lg:grid-cols-2 xl:grid-cols-3">
      <Curves title="Waiting time by the hour" hours={hours} read={({ waiting }) => waiting} />
      <Curves title="Running time by the hour" hours={hours} read={({ running }) => running} />
      <div className="lg:col-span-2 xl:col-span-1">
        <OldestPending ages={ages} />
      </div>
    </div>
  );
}

function OldestPending({ ages }: { readonly ages: readonly PendingAge[] }) {
  const points = useMemo(() => ageCurve(ages, Date.now()), [ages]);
  return (
    <Panel
      title="Oldest pending task, 24 h"
      actions={
        <Link
          to="/tasks"
          search={{ state: 'pending', children: '1' }}
          className="text-accent hover:underline"
        >
          Pending
        </Link>
      }
    >
      <Suspense fallback={<Empty>Drawing …</Empty>}>
        <div className="p-3">
          <LineChart
            times={points.map(({ at }) => at / 1000)}
            span={((points.length - 1) * SPAN_MS) / 1000}
            // Of nothing but zeros no scale could be made.
            max={points.some(({ age }) => age !== null && age > 0) ? null : IDLE_MAX_MS}
            label={`Age of the oldest pending task: ${ageInWords(points)}`}
            format={shortText}
            steps={DURATION_STEPS}
            curves={[{ label: 'age', color: 'live', values: points.map(({ age }) => age) }]}
          />
        </div>
      </Suspense>
    </Panel>
  );
}

function Curves({
  title,
  hours,
  read,
}: {
  readonly title: string;
  readonly hours: readonly Hour[];
  readonly read: (count: HourCount) => DurationSummary | undefined;
}) {
  const curve = (of: (summary: DurationSummary) => Duration | undefined) =>
    hours.map(({ count }) => {
      const summary = count === undefined ? undefined : read(count);
      const value = summary === undefined || summary.count === 0n ? undefined : of(summary);
      return value === undefined ? null : durationMs(value);
    });
  const median = curve(({ p50 }) => p50);
  const high = curve(({ p95 }) => p95);
  return (
    <Panel title={title}>
      <Suspense fallback={<Empty>Drawing …</Empty>}>
        <div className="p-3">
          <LineChart
            times={hours.map(({ at }) => at / 1000)}
            span={(hours.length - 1) * HOUR_S}
            label={`${title}: ${inWords(median, high)}`}
            format={shortText}
            steps={DURATION_STEPS}
            curves={[
              { label: 'p50', color: 'live', values: median },
              { label: 'p95', color: 'warn', values: high, dash: [6, 3] },
            ]}
          />
        </div>
      </Suspense>
    </Panel>
  );
}

/** 4 h rather than 4 h 0 min: most lines of a scale are whole ones. */
function shortText(ms: number): string {
  return durationText(ms).replace(/(\d \D+) 0 \w+$/, '$1');
}

function inWords(median: readonly (number | null)[], high: readonly (number | null)[]): string {
  const last = median.findLastIndex((value) => value !== null);
  const [p50, p95] = [median[last] ?? null, high[last] ?? null];
  if (p50 === null || p95 === null) return 'nothing was measured';
  return `at last p50 ${durationText(p50)}, p95 ${durationText(p95)}`;
}
