/** The head of a task: what it is, how it stands and why, where, for how long; and what can be done to it. */
import { Link } from '@tanstack/react-router';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { ReactNode } from 'react';
import type { Task, Transition } from '../../../../proto/gen/muster/v1/task_pb.ts';
import { isFinal, pathOf, StateBadge } from '../../../ui/state.tsx';
import { Ago, durationText, useNow } from '../../../ui/time.tsx';
import { copy } from '../copy.ts';
import type { Change } from '../feed.ts';
import { staysOf } from '../steps.ts';
import { Actions } from './actions.tsx';
import { Bars } from './bars.tsx';

export function Header(props: {
  /** As it is shown: as it is, or as it was. */
  readonly task: Task;
  /** As it is. */
  readonly live: Task;
  /** Up to what is shown. */
  readonly steps: readonly Transition[];
  readonly isPast: boolean;
  readonly apply: (change: Change) => void;
}) {
  const { task, live, steps, isPast, apply } = props;
  return (
    <header className="flex flex-col gap-2">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <Trail task={task} />
        <h1 className="max-w-[60ch] truncate text-lg font-semibold" title={task.name}>
          {task.name}
        </h1>
        <span className="rounded-full border border-line bg-panel py-0.5 pr-3 pl-1.5 font-medium">
          <StateBadge path={pathOf(task)} />
        </span>
        {isPast ? <span className="text-warn">then</span> : null}
        <span className="grow" />
        <Actions task={live} apply={apply} />
      </div>
      {task.message === '' && task.reason === '' ? null : <Why task={task} />}
      <Facts task={task} steps={steps} isPast={isPast} />
      <Bars task={task} />
    </header>
  );
}

function Trail({ task }: { readonly task: Task }) {
  const look = 'text-soft hover:text-text hover:underline';
  return (
    <nav aria-label="Trail" className="flex items-center gap-1.5 text-soft">
      <Link to="/tasks" className={look}>
        Tasks
      </Link>
      <span aria-hidden>/</span>
      {task.parentId === '' ? null : (
        <>
          <Link to="/tasks/$taskId" params={{ taskId: task.parentId }} className={look}>
            fan-out
          </Link>
          <span aria-hidden>/</span>
        </>
      )}
    </nav>
  );
}

function Why({ task }: { readonly task: Task }) {
  const { reason, message } = task;
  return (
    <p className="flex flex-wrap items-baseline gap-2">
      {reason === '' ? null : (
        <code className="rounded bg-raised px-1.5 py-0.5 font-mono text-xs text-soft">
          {reason}
        </code>
      )}
      <span>{message}</span>
    </p>
  );
}

function Facts(props: {
  readonly task: Task;
  readonly steps: readonly Transition[];
  readonly isPast: boolean;
}) {
  const { task, steps, isPast } = props;
  return (
    <dl className="flex flex-wrap items-baseline gap-x-6 gap-y-1.5">
      {task.nodeId === '' ? null : (
        <Fact name="Node">
          <Link
            to="/nodes/$nodeId"
            params={{ nodeId: task.nodeId }}
            className="text-accent hover:underline"
          >
            {task.nodeId}
          </Link>
        </Fact>
      )}
      {task.fanOut === undefined ? (
        <Fact name="Attempt">
          {task.attempt} of {task.maxAttempts}
        </Fact>
      ) : (
        <Fact name="Nodes">{task.fanOut.total}</Fact>
      )}
      {task.exitCode === undefined ? null : <Fact name="Exit code">{task.exitCode}</Fact>}
      {task.signal === '' ? null : <Fact name="Signal">{task.signal}</Fact>}
      <Durations task={task} steps={steps} isPast={isPast} />
      <Fact name="Created">
        <Ago at={task.createdAt} />
        {task.creator === '' ? null : ` by ${task.creator}`}
      </Fact>
      <Fact name="Id">
        <CopyId id={task.id} />
      </Fact>
      <Labels labels={task.labels} />
    </dl>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div className="flex items-baseline gap-1.5">
      <dt className="text-xs text-soft">{name}</dt>
      <dd className="tabular-nums">{children}</dd>
    </div>
  );
}

function Durations(props: {
  readonly task: Task;
  readonly steps: readonly Transition[];
  readonly isPast: boolean;
}) {
  const { task, steps, isPast } = props;
  const now = useNow();
  const end = isFinal(task) ? task.finishedAt : isPast ? task.updatedAt : undefined;
  const until = end === undefined ? now : timestampMs(end);
  const stays = staysOf(steps, until, isFinal(task));
  const sum = (state: string) =>
    stays
      .filter(({ path }) => path.startsWith(`${state}.`))
      .reduce((total, { ms }) => total + ms, 0);
  const total = task.createdAt === undefined ? 0 : until - timestampMs(task.createdAt);
  if (steps.length === 0) return <Fact name="Total">{durationText(total)}</Fact>;
  return (
    <>
      <Fact name="Waiting">{durationText(sum('pending'))}</Fact>
      <Fact name="Running">{durationText(sum('running'))}</Fact>
      <Fact name="Total">{durationText(Math.max(total, 0))}</Fact>
    </>
  );
}

function CopyId({ id }: { readonly id: string }) {
  return (
    <button
      type="button"
      title={`${id}: copy`}
      aria-label={`Copy the id ${id}`}
      className="font-mono text-[13px] text-soft hover:text-text"
      onClick={() => void copy(id)}
    >
      {id.slice(0, 13)}…
      <svg
        aria-hidden
        viewBox="0 0 16 16"
        className="ml-1 inline size-3.5 fill-none stroke-current"
      >
        <rect x="5.5" y="5.5" width="8" height="8" rx="1.5" />
        <path d="M3.5 10.5h-1v-8h8v1" />
      </svg>
    </button>
  );
}

function Labels({ labels }: { readonly labels: Readonly<Record<string, string>> }) {
  const pairs = Object.entries(labels);
  if (pairs.length === 0) return null;
  return (
    <div className="flex flex-wrap gap-1.5">
      <dt className="sr-only">Labels</dt>
      {pairs.map(([key, value]) => (
        <dd
          key={key}
          className="rounded border border-line bg-panel px-1.5 font-mono text-xs leading-5 text-soft"
        >
          {key}={value}
        </dd>
      ))}
    </div>
  );
}
