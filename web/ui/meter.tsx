/** A share as a bar with its number: how full a host is, how many of its slots are at work. */
import type { ReactNode } from 'react';

const HIGH = 0.8;
const FULL = 0.95;

/**
 * @param share from 0 to 1, or null where it is not known
 * @param children the number in words
 * @param isPlain a full one is nothing to worry about
 */
export function Meter({
  share,
  children,
  isPlain = false,
  title,
}: {
  readonly share: number | null;
  readonly children: ReactNode;
  readonly isPlain?: boolean;
  readonly title?: string;
}) {
  if (share === null) return <span className="text-soft">–</span>;
  const bounded = Math.min(Math.max(share, 0), 1);
  const color = isPlain || share < HIGH ? 'bg-accent' : share < FULL ? 'bg-warn' : 'bg-bad';
  return (
    <span className="flex items-center gap-2" title={title}>
      <span aria-hidden className="h-1.5 w-12 shrink-0 overflow-hidden rounded-full bg-raised">
        <span
          className={`block h-full rounded-full ${color}`}
          style={{ width: `${bounded * 100}%` }}
        />
      </span>
      <span className="whitespace-nowrap tabular-nums">{children}</span>
    </span>
  );
}
