/**
 * Overview: how much is done and how well, what needs a person, what failed last and what comes next.
 */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { useMemo } from 'react';
import type { HourCount, PendingAge } from '../../../proto/gen/muster/v1/statistics_pb.ts';
import { TaskState } from '../../../proto/gen/muster/v1/task_pb.ts';
import { explain } from '../../connection.ts';
import { Command, Failure, Panel } from '../../ui/page.tsx';
import { AttentionPanel } from './attention-panel.tsx';
import type { Findings } from './attention.ts';
import { Chart } from './chart.tsx';
import { Durations } from './durations.tsx';
import { FailuresPanel } from './failures-panel.tsx';
import { FiresPanel } from './fires-panel.tsx';
import { MINUTE_MS, type Minute } from './minutes.ts';
import { countOf, Numbers } from './numbers.tsx';
import {
  useCrashedWorkers,
  useLastFailures,
  useOldestPending,
  useScheduleOutcomes,
  useStatistics,
  useStuckRunning,
} from './queries.ts';
import { filled, type Span } from './spans.ts';
import { useLiveNodes, useLiveSchedules, useMinutes } from './use-live.ts';

const HOUR_MS = 3_600_000;
const HOURS = 24;
/** As wide as the chart by the minute is. */
const MINUTES = 30;
const NO_AGES: readonly PendingAge[] = [];

export function Screen() {
  const statistics = useStatistics();
  const pending = useOldestPending();
  const failures = useLastFailures();
  const crashed = useCrashedWorkers();
  const minutes = useMinutes();
  const nodes = useLiveNodes();
  const schedules = useLiveSchedules();
  const outcomes = useScheduleOutcomes(schedules.all);
  const { data } = statistics;
  const count = (substate: string) =>
    data === undefined ? 0 : countOf(data.all, TaskState.RUNNING, substate);
  const hasStuck = count('stopping') + count('unreachable') > 0;
  const stuck = useStuckRunning(hasStuck);
  const hours = useMemo(
    () => filled(data?.day.byHour.map(spanOf) ?? [], HOUR_MS, HOURS, Date.now()),
    [data],
  );
  const durations = useMemo(() => {
    const counts = new Map(data?.day.byHour.map((count) => [spanOf(count).at, count]));
    return hours.map(({ at }) => ({ at, count: counts.get(at) }));
  }, [data, hours]);
  const findings: Findings = {
    waiting: pending.data?.waiting ?? [],
    running: hasStuck ? (stuck.data ?? []) : [],
    nodes: nodes.all,
    crashed: crashed.data ?? [],
    schedules: schedules.all,
    lastTasks: outcomes.data?.lastTasks ?? new Map(),
    lastFires: outcomes.data?.lastFires ?? new Map(),
  };
  // That nothing is the matter is not said before everything was looked at.
  const isKnown =
    [data, pending.data, crashed.data].every((one) => one !== undefined) &&
    nodes.isKnown &&
    schedules.isKnown &&
    (!hasStuck || stuck.data !== undefined) &&
    (outcomes.data !== undefined || !outcomes.isFetching);
  const failure =
    statistics.error ?? pending.error ?? failures.error ?? crashed.error ?? outcomes.error;
  return (
    <div className="mx-auto flex max-w-[1600px] flex-col gap-4 px-5 py-4">
      <h1 className="sr-only">Overview</h1>
      {failure === null ? null : <Failure>{explain(failure)}; trying again</Failure>}
      {data === undefined ? null : (
        <Numbers all={data.all} day={data.day} oldest={pending.data?.oldest} />
      )}
      {data?.all.total === 0n ? <Welcome hasNodes={nodes.all.length > 0} /> : null}
      <Charts hours={hours} minutes={minutes} />
      <div className="grid items-start gap-4 lg:grid-cols-[2fr_1fr]">
        <AttentionPanel findings={findings} isKnown={isKnown} />
        <FiresPanel {...schedules} />
      </div>
      <FailuresPanel failed={failures.data} />
      <Durations hours={durations} ages={data?.day.oldestPending ?? NO_AGES} />
    </div>
  );
}

function spanOf({ hour, created, completed, failed }: HourCount): Span {
  return {
    at: hour === undefined ? 0 : timestampMs(hour),
    created: Number(created),
    completed: Number(completed),
    failed: Number(failed),
  };
}

function Charts({
  hours,
  minutes,
}: {
  readonly hours: readonly Span[];
  readonly minutes: readonly Minute[];
}) {
  const recent = useMemo(() => filled(minutes, MINUTE_MS, MINUTES, Date.now()), [minutes]);
  return (
    <div className="grid gap-4 lg:grid-cols-2">
      <Panel title="Tasks by the hour of their creation, 24 h">
        <Chart label="Tasks by the hour of their creation" spans={hours} spanMs={HOUR_MS} />
      </Panel>
      <Panel title="By the minute, since this page was opened">
        <Chart label="Tasks by the minute" spans={recent} spanMs={MINUTE_MS} />
      </Panel>
    </div>
  );
}

function Welcome({ hasNodes }: { readonly hasNodes: boolean }) {
  return (
    <Panel>
      <p className="px-4 py-6 text-center text-soft">
        {hasNodes ? (
          <>
            No task yet. Try <Command>./muster run -- uname -a</Command>
          </>
        ) : (
          <>
            No node yet: <Command>./muster agent</Command> on a host makes it one.
          </>
        )}
      </p>
    </Panel>
  );
}
