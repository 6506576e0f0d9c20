/** How phases look: a colour and a form each, so that the colour alone is never what tells them apart. */
import type { PhaseKind } from './phases.ts';

export interface Look {
  readonly label: string;
  /** A colour of the theme. */
  readonly color: string;
  /** Share of the row's height. */
  readonly height: number;
  /** solid, striped, dotted or hollow. */
  readonly form: 'solid' | 'striped' | 'dotted' | 'hollow';
}

export const LOOKS: Readonly<Record<PhaseKind, Look>> = {
  held: { label: 'Held', color: 'var(--soft)', height: 0.35, form: 'hollow' },
  delayed: { label: 'Waits for its time', color: 'var(--soft)', height: 0.35, form: 'dotted' },
  waiting: { label: 'Waits for a worker', color: 'var(--soft)', height: 0.35, form: 'solid' },
  dispatched: { label: 'Dispatched', color: 'var(--live)', height: 1, form: 'striped' },
  executing: { label: 'Executing', color: 'var(--live)', height: 1, form: 'solid' },
  stopping: { label: 'Stopping', color: 'var(--warn)', height: 1, form: 'striped' },
  unreachable: { label: 'Unreachable', color: 'var(--bad)', height: 1, form: 'dotted' },
  backoff: { label: 'Waits before the retry', color: 'var(--warn)', height: 0.35, form: 'dotted' },
};
