/** The numbers at the head of the overview: how many tasks are in which state, and how long they wait and run. */
import { durationMs, timestampMs } from '@bufbuild/protobuf/wkt';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type {
  DurationSummary,
  GetStatisticsResponse,
} from '../../../proto/gen/muster/v1/statistics_pb.ts';
import { type Task, TaskState } from '../../../proto/gen/muster/v1/task_pb.ts';
import { StateBadge, type StateName } from '../../ui/state.tsx';
import { durationText, useNow } from '../../ui/time.tsx';

interface NumbersProps {
  /** Of all times: what is pending and running now. */
  readonly all: GetStatisticsResponse;
  /** Of tasks created in the last day. */
  readonly day: GetStatisticsResponse;
  /** Null for none, undefined while it is not known. */
  readonly oldest: Task | null | undefined;
}

export function Numbers({ all, day, oldest }: NumbersProps) {
  return (
    <div className="grid grid-cols-2 gap-px overflow-hidden rounded-xl border border-line bg-line sm:grid-cols-4 lg:grid-cols-[repeat(6,1fr)_1.3fr_1.3fr]">
      <StateNumber name="pending" state={TaskState.PENDING} from={all}>
        {oldest === null ? 'none waits' : null}
        {oldest ? <OldestPending task={oldest} /> : null}
      </StateNumber>
      <StateNumber name="running" state={TaskState.RUNNING} from={all}>
        {substatesText(all, TaskState.RUNNING) || 'now'}
      </StateNumber>
      <StateNumber name="completed" state={TaskState.COMPLETED} from={day} since="24h">
        {shareText(day)}
      </StateNumber>
      <StateNumber name="failed" state={TaskState.FAILED} from={day} since="24h">
        in 24 h
      </StateNumber>
      <StateNumber name="timeout" state={TaskState.TIMEOUT} from={day} since="24h">
        in 24 h
      </StateNumber>
      <StateNumber name="cancelled" state={TaskState.CANCELLED} from={day} since="24h">
        in 24 h
      </StateNumber>
      <Durations name="Waiting" from={day.waiting} />
      <Durations name="Running" from={day.running} />
    </div>
  );
}

export function countOf({ byState }: GetStatisticsResponse, state: TaskState, substate?: string) {
  return byState
    .filter((one) => one.state === state && (substate === undefined || one.substate === substate))
    .reduce((sum, { count }) => sum + Number(count), 0);
}

interface StateNumberProps {
  readonly name: StateName;
  readonly state: TaskState;
  readonly from: GetStatisticsResponse;
  readonly since?: string;
  readonly children: ReactNode;
}

function StateNumber({ name, state, from, since, children }: StateNumberProps) {
  return (
    <Link
      to="/tasks"
      search={{ state: name, since, children: '1' }}
      className="flex flex-col gap-0.5 bg-panel px-4 py-3 hover:bg-raised"
    >
      <StateBadge path={name} />
      <span className="text-2xl font-semibold tabular-nums">
        {countOf(from, state).toLocaleString('en')}
      </span>
      <span className="truncate text-xs text-soft">{children}</span>
    </Link>
  );
}

function OldestPending({ task }: { readonly task: Task }) {
  const now = useNow();
  if (task.createdAt === undefined) return null;
  return <>oldest {durationText(now - timestampMs(task.createdAt))}</>;
}

/** For example 3 stopping, 1 unreachable; what is usual is left out. */
function substatesText({ byState }: GetStatisticsResponse, state: TaskState): string {
  return byState
    .filter((one) => one.state === state && one.count > 0n && one.substate !== 'executing')
    .map(({ substate, count }) => `${count} ${substate}`)
    .join(', ');
}

function shareText(day: GetStatisticsResponse): string {
  const completed = countOf(day, TaskState.COMPLETED);
  const failed = countOf(day, TaskState.FAILED) + countOf(day, TaskState.TIMEOUT);
  if (completed + failed === 0) return 'in 24 h';
  const share = (100 * completed) / (completed + failed);
  return `${share >= 99.95 || share === 0 ? share.toFixed(0) : share.toFixed(1)} % in 24 h`;
}

function Durations({
  name,
  from,
}: {
  readonly name: string;
  readonly from: DurationSummary | undefined;
}) {
  const text = (one: DurationSummary['p50']) =>
    one === undefined ? '–' : durationText(durationMs(one));
  return (
    <dl className="grid grid-cols-[auto_1fr] content-center gap-x-3 bg-panel px-4 py-3 tabular-nums">
      <dt className="col-span-2 text-soft">{name}, 24 h</dt>
      <dt className="text-soft">p50</dt>
      <dd className="font-medium">{text(from?.p50)}</dd>
      <dt className="text-soft">p95</dt>
      <dd className="font-medium">{text(from?.p95)}</dd>
    </dl>
  );
}
