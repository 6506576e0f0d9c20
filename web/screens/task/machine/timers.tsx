/** The times that a task waits for, counting down. */
import { durationMs, timestampMs } from '@bufbuild/protobuf/wkt';
import { type Task, TaskType, type Transition } from '../../../../proto/gen/muster/v1/task_pb.ts';
import { pathOf } from '../../../ui/state.tsx';
import { absoluteText, durationText, useNow } from '../../../ui/time.tsx';
import { type Timer, timersOf } from './timers-of.ts';

export function Timers(props: { readonly task: Task; readonly steps: readonly Transition[] }) {
  const { task, steps } = props;
  const entered = steps.findLast(({ fromState, toState }) => fromState !== toState)?.at;
  const policy = task.spec?.policy;
  const timers = timersOf({
    path: pathOf(task),
    isFanOut: task.type === TaskType.FAN_OUT,
    enteredAt: entered === undefined ? null : timestampMs(entered),
    deadlineAt: task.deadlineAt === undefined ? null : timestampMs(task.deadlineAt),
    delayedUntil: task.delayedUntil === undefined ? null : timestampMs(task.delayedUntil),
    stopGraceMs: policy?.stopGrace === undefined ? null : durationMs(policy.stopGrace),
    lostAfterMs: policy?.lostAfter === undefined ? null : durationMs(policy.lostAfter),
  });
  if (timers.length === 0) return null;
  return (
    <section className="min-w-0">
      <h3 className="mb-1.5 text-xs text-soft">Timers</h3>
      <ul className="flex flex-col gap-1.5">
        {timers.map((timer) => (
          <Countdown key={timer.what} timer={timer} />
        ))}
      </ul>
    </section>
  );
}

function Countdown({ timer: { what, at, from } }: { readonly timer: Timer }) {
  const now = useNow();
  const left = at - now;
  const share = from === null ? null : Math.min(Math.max((now - from) / (at - from), 0), 1);
  return (
    <li title={absoluteText(at)}>
      <div className="flex items-baseline justify-between gap-3">
        <span>{what}</span>
        <span className="font-medium whitespace-nowrap tabular-nums">
          {left > 0 ? `in ${durationText(Math.ceil(left / 1000) * 1000)}` : 'due now'}
        </span>
      </div>
      {share === null ? null : (
        <div aria-hidden className="mt-1 h-1 overflow-hidden rounded-full bg-raised">
          <div className="h-full bg-warn" style={{ width: `${share * 100}%` }} />
        </div>
      )}
    </li>
  );
}
