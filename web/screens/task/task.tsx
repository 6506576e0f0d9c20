/**
 * One task: its machine, live or as it was at any version; its output beside it; its history below.
 *
 * Everything that is shown follows one version: the last one, or that of the URL while somebody looks back.
 */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { lazy, type ReactNode, Suspense } from 'react';
import { type Task, TaskType, type Transition } from '../../../proto/gen/muster/v1/task_pb.ts';
import { useKeys } from '../../ui/keys.ts';
import { Command, Empty, Failure } from '../../ui/page.tsx';
import { isFinal, stateNameOf } from '../../ui/state.tsx';
import { useTitle } from '../../ui/title.ts';
import { type Feed, taskAt } from './feed.ts';
import { Header } from './header/header.tsx';
import { HistoryPanel } from './history/history-panel.tsx';
import { Timeline } from './history/timeline.tsx';
import { MachinePanel } from './machine/machine-panel.tsx';
import { readNeighbours } from '../tasks/neighbours.ts';
import { Tabs } from './tabs.tsx';
import { type Following, useFeed } from './use-feed.ts';
import { useView, type View } from './use-view.ts';

const OutputPanel = lazy(() =>
  import('./output/output-panel.tsx').then(({ OutputPanel: component }) => ({
    default: component,
  })),
);
const AttemptsPanel = lazy(() =>
  import('./attempts/attempts-panel.tsx').then(({ AttemptsPanel: component }) => ({
    default: component,
  })),
);
const ChildrenPanel = lazy(() =>
  import('./children/children-panel.tsx').then(({ ChildrenPanel: component }) => ({
    default: component,
  })),
);
const SpecPanel = lazy(() =>
  import('./spec/spec-panel.tsx').then(({ SpecPanel: component }) => ({ default: component })),
);

export function Screen() {
  const params: Readonly<Record<string, string | undefined>> = useParams({ strict: false });
  const taskId = params['taskId'] ?? '';
  // One component for each task: nothing of the former one is left.
  return <TaskScreen key={taskId} id={taskId} />;
}

function TaskScreen({ id }: { readonly id: string }) {
  const following = useFeed(id);
  const view = useView();
  useNeighbourKeys(id);
  const { feed, error } = following;
  return (
    <div className="mx-auto flex min-h-full max-w-[1800px] flex-col gap-3 px-5 py-4">
      {error === null ? null : <Failure>{error}</Failure>}
      {feed === null ? (
        <Missing id={id} isLoading={error === null} />
      ) : (
        <Shown feed={feed} view={view} apply={following.apply} />
      )}
    </div>
  );
}

/** `[` and `]` go through the list that the task was opened from. */
function useNeighbourKeys(id: string): void {
  const navigate = useNavigate();
  const go = (taskId: string | null) => {
    if (taskId !== null) void navigate({ to: '/tasks/$taskId', params: { taskId }, search: {} });
  };
  useKeys({
    '[': () => go(readNeighbours(id).former),
    ']': () => go(readNeighbours(id).next),
  });
}

function Missing({ id, isLoading }: { readonly id: string; readonly isLoading: boolean }) {
  if (isLoading) {
    return (
      <div role="status" className="px-4 py-10 text-center text-soft">
        Reading the task …
      </div>
    );
  }
  return (
    <Empty>
      <p>
        The task cannot be shown. Look for it in{' '}
        <Link to="/tasks" className="text-accent hover:underline">
          the list
        </Link>
        , or ask with <Command>{`./muster task get ${id}`}</Command>.
      </p>
    </Empty>
  );
}

function Shown(props: {
  readonly feed: Feed;
  readonly view: View;
  readonly apply: Following['apply'];
}) {
  const { feed, view, apply } = props;
  const { task: live, steps } = feed;
  const last = steps.length - 1;
  const found = steps.findIndex(({ version }) => version === view.version);
  const isPast = found >= 0 && found < last;
  const index = isPast ? found : last;
  const shown = isPast ? steps.slice(0, index + 1) : steps;
  const task = isPast ? taskAt(live, shown) : live;
  useTitle(`${live.name} (${stateNameOf(live.state)})`);
  return (
    <>
      {feed.isDeleted ? (
        <Failure>
          This task has been deleted; what is shown is the last that was known of it.
        </Failure>
      ) : null}
      <Header task={task} live={live} steps={shown} isPast={isPast} apply={apply} />
      <Timeline
        steps={steps}
        index={index}
        isPast={isPast}
        isFinal={isFinal(live)}
        setVersion={view.setVersion}
      />
      <Tabs tab={view.tab} setTab={view.setTab} hasChildren={live.fanOut !== undefined} />
      <Suspense fallback={<div className="min-h-64" />}>
        <Body {...{ task, live, isPast, view }} steps={shown} />
      </Suspense>
      {view.tab === null || view.tab === 'machine' ? (
        <HistoryPanel
          taskId={live.id}
          creator={live.creator}
          steps={steps}
          index={index}
          isExpired={feed.isExpired}
          setVersion={view.setVersion}
        />
      ) : null}
    </>
  );
}

function Body(props: {
  readonly task: Task;
  readonly live: Task;
  readonly steps: readonly Transition[];
  readonly isPast: boolean;
  readonly view: View;
}) {
  const { task, live, steps, isPast, view } = props;
  // What had been printed by then; nothing is left out while it is live.
  const at = steps.at(-1)?.at;
  const until = isPast && at !== undefined ? { until: timestampMs(at) } : {};
  switch (view.tab) {
    case 'machine':
      return <MachinePanel task={task} steps={steps} isPast={isPast} isWide />;
    case 'output':
      return <OutputPanel task={task} {...until} />;
    case 'attempts':
      return <AttemptsPanel task={task} />;
    case 'children':
      return <ChildrenPanel task={live} />;
    case 'spec':
      return <SpecPanel task={live} />;
    default:
      return (
        <div className="grid items-start gap-3 xl:grid-cols-[minmax(0,7fr)_minmax(0,5fr)]">
          <MachinePanel task={task} steps={steps} isPast={isPast} isWide={false} />
          {live.type === TaskType.FAN_OUT ? (
            <ChildrenPanel task={live} />
          ) : (
            <BesideMachine>
              <OutputPanel task={task} {...until} />
            </BesideMachine>
          )}
        </div>
      );
  }
}

/** On a wide screen as high as the machine, so that the history stands right below both. */
function BesideMachine({ children }: { readonly children: ReactNode }) {
  return (
    <div className="min-w-0 xl:relative xl:self-stretch xl:[&>section]:absolute xl:[&>section]:inset-0 xl:[&>section]:h-auto">
      {children}
    </div>
  );
}
