/** How long a task has been in each state. */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { Task, Transition } from '../../../../proto/gen/muster/v1/task_pb.ts';
import { isFinal, StateBadge } from '../../../ui/state.tsx';
import { durationText, useNow } from '../../../ui/time.tsx';
import { staysOf } from '../steps.ts';

export function Stays(props: {
  readonly task: Task;
  readonly steps: readonly Transition[];
  readonly isPast: boolean;
}) {
  const { task, steps, isPast } = props;
  const now = useNow();
  const last = steps.at(-1)?.at;
  const isOver = isFinal(task);
  const until = (isPast || isOver) && last !== undefined ? timestampMs(last) : now;
  const stays = staysOf(steps, until, isOver);
  if (stays.length === 0) return null;
  const longest = Math.max(...stays.map(({ ms }) => ms), 1);
  return (
    <section className="min-w-0">
      <h3 className="mb-1.5 text-xs text-soft">Time in each state</h3>
      <table className="w-full text-left">
        <thead className="sr-only">
          <tr>
            <th>State</th>
            <th>Share</th>
            <th>Time</th>
            <th>Times</th>
          </tr>
        </thead>
        <tbody>
          {stays.map(({ path, ms, times, isOpen }) => (
            <tr key={path}>
              <th className="py-0.5 pr-3 font-normal whitespace-nowrap">
                <StateBadge path={path} />
              </th>
              <td className="w-full py-0.5 pr-3">
                <div aria-hidden className="h-1.5 overflow-hidden rounded-full bg-raised">
                  <div
                    className={`h-full rounded-full ${isOpen ? 'bg-live' : 'bg-soft/60'}`}
                    style={{ width: `${(ms / longest) * 100}%` }}
                  />
                </div>
              </td>
              <td className="py-0.5 pr-3 text-right whitespace-nowrap tabular-nums">
                {ms === 0 && isOver && path === steps.at(-1)?.toState ? '–' : durationText(ms)}
              </td>
              <td className="py-0.5 text-right text-soft tabular-nums">
                {times > 1 ? `${times}×` : ''}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
