/** How far a task is: what its handler says, or how many of its children are where. */
import type { Task } from '../../../../proto/gen/muster/v1/task_pb.ts';

export function Bars({ task }: { readonly task: Task }) {
  if (task.fanOut !== undefined) return <FanOutBar fanOut={task.fanOut} />;
  if (task.progress === undefined) return null;
  const { fraction, message } = task.progress;
  const percent = Math.round(Math.min(Math.max(fraction, 0), 1) * 100);
  return (
    <div className="flex items-center gap-3">
      <div
        role="progressbar"
        aria-label="Progress"
        aria-valuenow={percent}
        aria-valuemin={0}
        aria-valuemax={100}
        className="h-2 w-72 overflow-hidden rounded-full bg-raised"
      >
        <div
          className="h-full rounded-full bg-live transition-[width]"
          style={{ width: `${percent}%` }}
        />
      </div>
      <span className="tabular-nums">{percent} %</span>
      <span className="text-soft">{message}</span>
    </div>
  );
}

const PARTS = [
  { key: 'completed', name: 'completed', icon: '✓', fill: 'bg-good', text: 'text-good' },
  { key: 'failed', name: 'failed', icon: '✕', fill: 'bg-bad', text: 'text-bad' },
  { key: 'timedOut', name: 'timed out', icon: '◷', fill: 'bg-bad/70', text: 'text-bad' },
  { key: 'cancelled', name: 'cancelled', icon: '⊘', fill: 'bg-warn', text: 'text-warn' },
  { key: 'skipped', name: 'skipped', icon: '⤼', fill: 'bg-warn/60', text: 'text-warn' },
  { key: 'active', name: 'at work', icon: '◐', fill: 'bg-live', text: 'text-live' },
  { key: 'held', name: 'waiting', icon: '○', fill: 'bg-line', text: 'text-soft' },
] as const;

function FanOutBar({ fanOut }: { readonly fanOut: NonNullable<Task['fanOut']> }) {
  const parts = PARTS.map((part) => ({ ...part, count: fanOut[part.key] })).filter(
    ({ count }) => count > 0,
  );
  const total = Math.max(fanOut.total, 1);
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-1.5">
      <div
        role="img"
        aria-label={parts.map(({ count, name }) => `${count} ${name}`).join(', ')}
        className="flex h-2 w-72 gap-px overflow-hidden rounded-full bg-raised"
      >
        {parts.map(({ key, fill, count }) => (
          <div key={key} className={fill} style={{ width: `${(count / total) * 100}%` }} />
        ))}
      </div>
      <ul className="flex flex-wrap gap-x-4" aria-hidden>
        {parts.map(({ key, icon, name, text, count }) => (
          <li key={key} className={text}>
            {icon} <span className="tabular-nums">{count}</span> {name}
          </li>
        ))}
      </ul>
    </div>
  );
}
