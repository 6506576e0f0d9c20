/** The machine of a task: the definition that runs it, the way that it took, where it is, and what can come next. */
import { useMemo, useState } from 'react';
import {
  OfflinePolicy,
  type Task,
  TaskType,
  type Transition,
} from '../../../../proto/gen/muster/v1/task_pb.ts';
import { explain } from '../../../connection.ts';
import { useMachines } from '../../../machines-query.ts';
import { Failure, Panel } from '../../../ui/page.tsx';
import { isFinal, pathOf } from '../../../ui/state.tsx';
import { Diagram } from '../../../visualizer/diagram.tsx';
import { wayOf } from '../steps.ts';
import { NextSteps } from './next-steps.tsx';
import { Stays } from './stays.tsx';
import { Timers } from './timers.tsx';

export function MachinePanel(props: {
  /** As it is shown. */
  readonly task: Task;
  /** Up to what is shown. */
  readonly steps: readonly Transition[];
  readonly isPast: boolean;
  /** The diagram is larger, and the rest stands beside it instead of below. */
  readonly isWide: boolean;
}) {
  const { task, steps, isPast, isWide } = props;
  const { data: machines, error } = useMachines();
  const name = task.type === TaskType.FAN_OUT ? 'fan_out' : 'task';
  const machine = machines?.find((one) => one.name === name);
  const way = useMemo(
    () => (machine === undefined ? undefined : wayOf(machine, steps)),
    [machine, steps],
  );
  const [selected, setSelected] = useState<string | undefined>();
  const toggle = (key: string) => setSelected((former) => (former === key ? undefined : key));
  if (error !== null) return <Failure>{explain(error)}</Failure>;
  const path = pathOf(task);
  const impossible = impossibleGuards(task);
  return (
    <Panel
      title="Machine"
      className="flex min-w-0 flex-col overflow-hidden"
      actions={<span className="text-xs text-soft">The numbers are versions</span>}
    >
      <div className={isWide ? 'grid xl:grid-cols-[minmax(0,1fr)_24rem]' : 'flex flex-col'}>
        <div className={isWide ? 'h-[44rem]' : 'h-[32rem]'}>
          {machine === undefined || way === undefined ? (
            <p role="status" className="p-10 text-center text-soft">
              Reading the machine …
            </p>
          ) : (
            <Diagram
              machine={machine}
              current={path}
              visits={way.visits}
              marks={way.marks}
              lastEdge={way.last}
              selected={selected}
              onSelectState={(state) => toggle(state.path)}
              onSelectEdge={({ from, to }) => toggle(`${from}>${to}`)}
            />
          )}
        </div>
        <div
          className={`grid gap-x-6 gap-y-4 border-line px-4 py-3 ${isWide ? 'content-start border-t xl:border-t-0 xl:border-l' : 'border-t md:grid-cols-2'}`}
        >
          <div className="flex min-w-0 flex-col gap-4">
            {isPast ? null : <Timers task={task} steps={steps} />}
            <Stays task={task} steps={steps} isPast={isPast} />
          </div>
          {machine === undefined ? null : (
            <NextSteps
              machine={machine}
              path={path}
              isFinal={isFinal(task)}
              isWide={isWide}
              impossible={impossible}
              selected={selected}
              onSelect={toggle}
            />
          )}
        </div>
      </div>
    </Panel>
  );
}

/** The guards that cannot hold for a task, by its policy and its attempts. */
function impossibleGuards({ spec, attempt, maxAttempts }: Task): ReadonlySet<string> {
  const offline = spec?.policy?.offline;
  const guards = new Set<string>();
  if (offline !== OfflinePolicy.SKIP) guards.add('isOfflinePolicy skip');
  if (offline !== OfflinePolicy.FAIL) guards.add('isOfflinePolicy fail');
  if (attempt >= maxAttempts) guards.add('endsAs retry');
  return guards;
}
