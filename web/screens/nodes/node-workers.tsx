/** The workers of a node as machines, live: its slots, and the commands that its agent keeps alive. */
import { Link, useNavigate } from '@tanstack/react-router';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { Worker } from '../../../proto/gen/muster/v1/worker_pb.ts';
import {
  WorkerKind,
  type WorkerOperation,
  WorkerState,
} from '../../../proto/gen/muster/v1/worker_pb.ts';
import { nodes } from '../../connection.ts';
import { useLiveWorkers } from '../../live-collection.ts';
import { useMachine } from '../../machines-query.ts';
import { useAction } from '../../ui/action.ts';
import { Button, Empty, Failure, Panel } from '../../ui/page.tsx';
import { absoluteText, Ago, durationText, useNow } from '../../ui/time.tsx';
import { Diagram } from '../../visualizer/diagram.tsx';
import { LookBadge } from './health-badge.tsx';
import {
  inOrder,
  keepText,
  OPERATION_WORDS,
  operationsOf,
  wishText,
  workerLookOf,
  workerPathOf,
} from './worker-state.ts';

/** @param selected name of the worker whose machine is shown; empty for none */
export function Workers({
  nodeId,
  selected,
}: {
  readonly nodeId: string;
  readonly selected: string;
}) {
  const navigate = useNavigate();
  const { items, failure } = useLiveWorkers(nodeId);
  const all = items === null ? null : inOrder(items.values());
  const select = (name: string) =>
    void navigate({
      to: '/nodes/$nodeId',
      params: { nodeId },
      replace: true,
      resetScroll: false,
      search: (former) => ({ ...former, worker: name === selected ? undefined : name }),
    });
  const slots = all?.filter(({ kind }) => kind !== WorkerKind.KEPT) ?? [];
  const kept = all?.filter(({ kind }) => kind === WorkerKind.KEPT) ?? [];
  const shown = items?.get(selected);
  return (
    <>
      <Panel title={`Workers ${slots.length === 0 ? '' : `(${slots.length})`}`}>
        {failure === null ? null : <Failure>{failure}</Failure>}
        {all === null && failure === null ? <Empty>Reading the workers …</Empty> : null}
        {all !== null && slots.length === 0 ? <Empty>No slot is known yet.</Empty> : null}
        {all?.some(({ connected }) => !connected) ? (
          <p className="border-b border-line px-4 py-2 text-warn">
            Its agent is not connected: this is what was last heard. What is asked now is done when
            it connects.
          </p>
        ) : null}
        {slots.length === 0 ? null : (
          <WorkerTable workers={slots} work="Attempt" selected={selected} onSelect={select} />
        )}
      </Panel>
      {kept.length === 0 ? null : (
        <Panel title={`Kept commands (${kept.length})`}>
          <WorkerTable workers={kept} work="Command" selected={selected} onSelect={select} />
        </Panel>
      )}
      {shown === undefined ? null : (
        <WorkerMachine worker={shown} onClose={() => select(selected)} />
      )}
    </>
  );
}

const CELL = 'px-3 py-1.5';

function WorkerTable({
  workers,
  work,
  selected,
  onSelect,
}: {
  readonly workers: readonly Worker[];
  readonly work: string;
  readonly selected: string;
  readonly onSelect: (name: string) => void;
}) {
  return (
    <div className="overflow-x-auto">
      <table className="w-full">
        <thead>
          <tr className="text-left text-xs text-soft">
            {['Worker', 'State', 'Since', work, 'Failures', 'Actions'].map((title) => (
              <th key={title} scope="col" className="px-3 py-2 font-medium">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {workers.map((worker) => (
            <tr
              key={worker.name}
              className={`border-t border-line ${worker.name === selected ? 'bg-accent-soft' : 'hover:bg-raised'}`}
            >
              <td className={CELL}>
                <button
                  type="button"
                  aria-pressed={worker.name === selected}
                  title="Show its machine"
                  onClick={() => onSelect(worker.name)}
                  className="font-medium hover:text-accent hover:underline"
                >
                  {worker.name}
                </button>
              </td>
              <td className={CELL}>
                <LookBadge look={workerLookOf(worker)} />
                <NextStart worker={worker} />
                <p className="text-xs text-warn">{wishText(worker)}</p>
              </td>
              <td className={`${CELL} whitespace-nowrap text-soft tabular-nums`}>
                <Ago at={worker.since} />
              </td>
              <td className={CELL}>
                <Work worker={worker} />
              </td>
              <td className={`${CELL} tabular-nums`}>
                {worker.failures === 0 ? <span className="text-soft">0</span> : worker.failures}
              </td>
              <td className={CELL}>
                <Operations worker={worker} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function NextStart({ worker: { nextStartAt, state } }: { readonly worker: Worker }) {
  const now = useNow();
  if (nextStartAt === undefined || state !== WorkerState.BACKING_OFF) return null;
  const at = timestampMs(nextStartAt);
  return (
    <p className="text-xs text-soft tabular-nums" title={absoluteText(at)}>
      {at > now ? `starts in ${durationText(at - now)}` : 'starts now'}
    </p>
  );
}

function Work({ worker }: { readonly worker: Worker }) {
  const { taskId, attempt, command, why, pid, kind, keepPolicy } = worker;
  if (kind === WorkerKind.KEPT) {
    return (
      <>
        <code className="font-mono text-xs break-all">{command}</code>
        <p className="text-xs text-soft">
          {[pid === 0 ? '' : `process ${pid}`, keepText(keepPolicy), why]
            .filter((text) => text !== '')
            .join(' · ')}
        </p>
      </>
    );
  }
  if (taskId === '') return <span className="text-soft">{why || '–'}</span>;
  return (
    <Link
      to="/tasks/$taskId"
      params={{ taskId }}
      className="font-mono text-xs text-accent hover:underline"
    >
      {taskId.slice(0, 18)}… · attempt {attempt}
    </Link>
  );
}

function Operations({ worker }: { readonly worker: Worker }) {
  const { isBusy, act } = useAction();
  const { nodeId, name } = worker;
  const operate = (operation: WorkerOperation, word: string) =>
    void act(
      () => nodes.operateWorker({ nodeId, worker: name, operation }),
      `${name}: ${word} was asked for`,
    );
  return (
    <span className="flex gap-1">
      {operationsOf(worker).map((operation) => {
        const word = OPERATION_WORDS.get(operation) ?? '';
        return (
          <button
            key={operation}
            type="button"
            disabled={isBusy}
            aria-label={`${word} ${name}`}
            onClick={() => operate(operation, word)}
            className="rounded border border-line px-2 text-xs leading-6 hover:bg-raised disabled:opacity-50"
          >
            {word}
          </button>
        );
      })}
    </span>
  );
}

function WorkerMachine({
  worker,
  onClose,
}: {
  readonly worker: Worker;
  readonly onClose: () => void;
}) {
  const machine = useMachine('worker');
  return (
    <Panel
      title={
        <span className="flex items-center gap-3">
          {worker.name}
          <LookBadge look={workerLookOf(worker)} />
        </span>
      }
      actions={<Button onClick={onClose}>Close</Button>}
    >
      {machine === undefined ? (
        <Empty>Reading the machine …</Empty>
      ) : (
        <Diagram machine={machine} current={workerPathOf(worker)} className="h-[32rem]" />
      )}
    </Panel>
  );
}
