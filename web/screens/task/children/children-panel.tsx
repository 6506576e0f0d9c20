/** The children of a fan-out: all of them as a map, counted by their states, and as a table with what failed on top. */
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useEffect, useMemo, useRef, useSyncExternalStore } from 'react';
import type { FanOutProgress } from '../../../../proto/gen/muster/v1/fan_out_pb.ts';
import type { Task } from '../../../../proto/gen/muster/v1/task_pb.ts';
import { Empty, Failure, Panel } from '../../../ui/page.tsx';
import { ChildrenFeed } from './children-feed.ts';
import { ChildrenTable } from './children-table.tsx';
import { drawCell, LOOKS } from './draw.ts';
import { HeatMap } from './heat-map.tsx';
import { CHILD_STATES, type ChildState, countsOf, inOrder } from './states.ts';
import { useScheme } from './use-scheme.ts';

export function ChildrenPanel({ task }: { readonly task: Task }) {
  const feed = useMemo(() => new ChildrenFeed(task.id), [task.id]);
  useEffect(() => feed.start(), [feed]);
  const { children, isComplete, failure } = useSyncExternalStore(feed.onChange, () => feed.state);
  const [wanted, want] = useWantedState();
  const counts = useMemo(() => countsOf(children), [children]);
  const rows = useMemo(
    () => inOrder(wanted === null ? children : children.filter(({ state }) => state === wanted)),
    [children, wanted],
  );
  const total = task.fanOut?.total ?? children.length;
  return (
    <Panel title="Children" actions={<Bounds progress={task.fanOut} />}>
      {failure === null ? null : (
        <div className="p-3">
          <Failure>The children cannot be followed: {failure}</Failure>
        </div>
      )}
      {children.length === 0 ? (
        <Empty>{isComplete ? 'This fan-out has no children.' : 'Reading…'}</Empty>
      ) : (
        <>
          <div className="flex flex-col gap-3 px-4 py-3">
            <StateFilter counts={counts} total={children.length} wanted={wanted} onWant={want} />
            <HeatMap wanted={wanted} summary={summaryOf(counts)}>
              {children}
            </HeatMap>
            {isComplete ? null : (
              <p role="status" className="text-soft">
                {children.length.toLocaleString()} of {total.toLocaleString()} read…
              </p>
            )}
          </div>
          {rows.length === 0 ? <Empty>No child is {wanted}.</Empty> : <ChildrenTable rows={rows} />}
        </>
      )}
    </Panel>
  );
}

/** The state that is looked at, as the address has it. */
function useWantedState() {
  const { children }: { children?: string } = useSearch({ strict: false });
  const navigate = useNavigate();
  const want = (state: ChildState | null) => {
    void navigate({
      to: '.',
      search: (before: object) => ({ ...before, children: state ?? '' }),
      replace: true,
      resetScroll: false,
    });
  };
  return [CHILD_STATES.find((state) => state === children) ?? null, want] as const;
}

function summaryOf(counts: ReadonlyMap<ChildState, number>): string {
  const parts = [...counts].map(([state, count]) => `${count} ${state}`);
  return `Map of the children: ${parts.join(', ')}`;
}

/** What the fan-out keeps to. */
function Bounds({ progress }: { readonly progress: FanOutProgress | undefined }) {
  if (progress === undefined) return null;
  const { maxParallel, maxFailures, total } = progress;
  const parts = [
    `${total.toLocaleString()} ${total === 1 ? 'node' : 'nodes'}`,
    maxParallel > 0 && maxParallel < total ? `${maxParallel.toLocaleString()} at once` : '',
    maxFailures > 0 ? `stops after ${maxFailures.toLocaleString()} failures` : '',
  ];
  return <span className="text-soft">{parts.filter((part) => part !== '').join(' · ')}</span>;
}

function StateFilter({
  counts,
  total,
  wanted,
  onWant,
}: {
  readonly counts: ReadonlyMap<ChildState, number>;
  readonly total: number;
  readonly wanted: ChildState | null;
  readonly onWant: (state: ChildState | null) => void;
}) {
  const look =
    'flex items-center gap-1.5 rounded-md border border-line px-2.5 py-1 hover:bg-raised aria-pressed:bg-accent-soft aria-pressed:font-medium';
  return (
    <div role="group" aria-label="State" className="flex flex-wrap gap-1.5">
      <button
        type="button"
        aria-pressed={wanted === null}
        onClick={() => onWant(null)}
        className={look}
      >
        All <span className="text-soft tabular-nums">{total.toLocaleString()}</span>
      </button>
      {[...counts].map(([state, count]) => (
        <button
          key={state}
          type="button"
          aria-pressed={wanted === state}
          onClick={() => onWant(wanted === state ? null : state)}
          className={look}
        >
          <Sample state={state} />
          {state} <span className="text-soft tabular-nums">{count.toLocaleString()}</span>
        </button>
      ))}
    </div>
  );
}

const SAMPLE_PX = 13;

/** A cell as it is in the map. */
function Sample({ state }: { readonly state: ChildState }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const scheme = useScheme();
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (canvas.current === null || !context) return;
    const colors = getComputedStyle(canvas.current);
    const size = SAMPLE_PX * devicePixelRatio;
    canvas.current.width = size;
    canvas.current.height = size;
    const color = colors.getPropertyValue(LOOKS[state].color);
    drawCell(context, LOOKS[state], color, colors.getPropertyValue('--panel'), 0, 0, size);
  }, [state, scheme]);
  return <canvas ref={canvas} aria-hidden style={{ width: SAMPLE_PX, height: SAMPLE_PX }} />;
}
