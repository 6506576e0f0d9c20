/** Every step of a task, and what one of them has changed. */
import { toJson } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef } from 'react';
import { type Transition, TransitionSchema } from '../../../../proto/gen/muster/v1/task_pb.ts';
import { Empty, Panel } from '../../../ui/page.tsx';
import { StateBadge } from '../../../ui/state.tsx';
import { absoluteText, durationText } from '../../../ui/time.tsx';
import { whoOf } from '../steps.ts';
import { StepDetails } from './step-details.tsx';

const ROW_PIXELS = 30;
const COLUMNS =
  'grid grid-cols-[2.25rem_6.5rem_5rem_10rem_minmax(0,1fr)_8.5rem_3.5rem] gap-x-3 px-4';

export function HistoryPanel(props: {
  readonly taskId: string;
  readonly creator: string;
  readonly steps: readonly Transition[];
  readonly index: number;
  readonly isExpired: boolean;
  readonly setVersion: (version: number | null) => void;
}) {
  const { taskId, creator, steps, index, isExpired, setVersion } = props;
  if (isExpired || steps.length === 0) {
    return (
      <Panel title="History">
        <Empty>The history has been deleted because of its age; the task itself stays.</Empty>
      </Panel>
    );
  }
  const last = steps.length - 1;
  return (
    <Panel
      title={
        <>
          History <span className="font-normal text-soft">{steps.length} steps</span>
        </>
      }
      className="overflow-hidden"
      actions={<Export taskId={taskId} steps={steps} />}
    >
      <div className="grid xl:grid-cols-[minmax(0,1fr)_24rem]">
        <Rows
          steps={steps}
          creator={creator}
          index={index}
          onSelect={(at) => setVersion(at === last ? null : (steps[at]?.version ?? null))}
        />
        <StepDetails steps={steps} index={index} />
      </div>
    </Panel>
  );
}

function Rows(props: {
  readonly steps: readonly Transition[];
  readonly creator: string;
  readonly index: number;
  readonly onSelect: (index: number) => void;
}) {
  const { steps, creator, index, onSelect } = props;
  const box = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: steps.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_PIXELS,
    overscan: 12,
  });
  useEffect(() => {
    rows.scrollToIndex(index, { align: 'auto' });
  }, [rows, index]);
  return (
    <div className="min-w-0 overflow-x-auto">
      <div
        role="table"
        aria-label="Steps"
        aria-rowcount={steps.length + 1}
        className="min-w-[56rem]"
      >
        <Head />
        <div ref={box} role="rowgroup" className="max-h-[24rem] overflow-y-auto">
          <div className="relative" style={{ height: rows.getTotalSize() }}>
            {rows.getVirtualItems().map(({ index: at, start }) => {
              const step = steps[at];
              return step === undefined ? null : (
                <Row
                  key={step.version}
                  step={step}
                  before={steps[at - 1]}
                  who={whoOf(step, creator)}
                  top={start}
                  isShown={at === index}
                  isLater={at > index}
                  onSelect={() => onSelect(at)}
                />
              );
            })}
          </div>
        </div>
      </div>
    </div>
  );
}

function Head() {
  const names = ['#', 'Time', 'After', 'Event', 'State', 'By', 'Attempt'];
  return (
    <div role="rowgroup">
      <div role="row" className={`${COLUMNS} border-b border-line py-1.5 text-xs text-soft`}>
        {names.map((name) => (
          <span key={name} role="columnheader">
            {name}
          </span>
        ))}
      </div>
    </div>
  );
}

function Row(props: {
  readonly step: Transition;
  readonly before: Transition | undefined;
  readonly who: string;
  readonly top: number;
  readonly isShown: boolean;
  readonly isLater: boolean;
  readonly onSelect: () => void;
}) {
  const { step, before, who, top, isShown, isLater, onSelect } = props;
  const at = step.at === undefined ? 0 : timestampMs(step.at);
  const after = before?.at === undefined ? '' : `+${durationText(at - timestampMs(before.at))}`;
  const look = isShown ? 'bg-accent-soft' : `hover:bg-raised ${isLater ? 'bg-page' : ''}`;
  return (
    <div
      role="row"
      onClick={onSelect}
      className={`${COLUMNS} absolute inset-x-0 cursor-pointer items-center border-b border-line/60 ${look}`}
      style={{ height: ROW_PIXELS, transform: `translateY(${top}px)` }}
    >
      <span role="cell">
        <button
          type="button"
          aria-label={`Look at version ${step.version}`}
          aria-pressed={isShown}
          className="rounded px-1 font-medium text-accent tabular-nums hover:underline"
        >
          {step.version}
        </button>
      </span>
      <time
        role="cell"
        dateTime={new Date(at).toISOString()}
        title={absoluteText(at)}
        className="text-soft tabular-nums"
      >
        {absoluteText(at).slice(11)}
      </time>
      <span role="cell" className="text-soft tabular-nums">
        {after}
      </span>
      <span role="cell" className="truncate font-mono text-[13px]">
        {step.eventType}
      </span>
      <span role="cell" className="flex min-w-0 items-center gap-2">
        <Change step={step} />
      </span>
      <span
        role="cell"
        className="truncate text-soft"
        title={`${who}; committed by supervisor ${step.supervisorId}`}
      >
        {who}
      </span>
      <span role="cell" className="text-soft tabular-nums">
        {step.attempt === 0 ? '–' : step.attempt}
      </span>
    </div>
  );
}

function Change({ step: { fromState, toState } }: { readonly step: Transition }) {
  if (fromState === toState) return <span className="text-soft">stays {toState}</span>;
  return (
    <>
      {fromState === '' ? null : (
        <>
          <span className="truncate text-soft">{fromState}</span>
          <span aria-label="to" className="text-soft">
            →
          </span>
        </>
      )}
      <StateBadge path={toState} />
    </>
  );
}

/** Saves the steps as a file with one message of the API on each line. */
function Export(props: { readonly taskId: string; readonly steps: readonly Transition[] }) {
  const save = () => {
    const lines = props.steps.map((step) => JSON.stringify(toJson(TransitionSchema, step)));
    const file = new Blob([`${lines.join('\n')}\n`], { type: 'application/jsonl' });
    const link = document.createElement('a');
    link.href = URL.createObjectURL(file);
    link.download = `task-${props.taskId}.jsonl`;
    link.click();
    URL.revokeObjectURL(link.href);
  };
  return (
    <button
      type="button"
      onClick={save}
      className="rounded-md border border-line px-2 py-0.5 text-xs hover:bg-raised"
    >
      Export JSON lines
    </button>
  );
}
