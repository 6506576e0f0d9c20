/** What a task did when: its transitions as phases, a row for each attempt. Pure. */

/** One transition; times in ms since 1970. */
export interface Step {
  readonly eventType: string;
  readonly toState: string;
  readonly at: number;
  readonly attempt: number;
  /** Of an attempt.dispatched. */
  readonly nodeId: string;
}

export const PHASE_KINDS = [
  'held',
  'delayed',
  'waiting',
  'dispatched',
  'executing',
  'stopping',
  'unreachable',
  'backoff',
] as const;

export type PhaseKind = (typeof PHASE_KINDS)[number];

export interface Phase {
  readonly kind: PhaseKind;
  readonly from: number;
  /** Null while it lasts. */
  readonly to: number | null;
}

export interface Row {
  /** Of the attempt, from 1: the one that is waited for, before it begins. */
  readonly number: number;
  /** Empty before it is dispatched. */
  readonly nodeId: string;
  /** How the task came out of it: a state for its end, backoff for a retry; null while it is under way. */
  readonly end: string | null;
  readonly phases: readonly Phase[];
}

/** What is waited for belongs to the attempt that follows. */
function kindOf(path: string, hadAttempt: boolean): PhaseKind | null {
  switch (path) {
    case 'pending.held':
      return 'held';
    case 'pending.delayed':
      return hadAttempt ? 'backoff' : 'delayed';
    case 'pending.queued':
      return 'waiting';
    case 'running.dispatched':
    case 'running.executing':
    case 'running.stopping':
    case 'running.unreachable':
      return path.slice('running.'.length) as PhaseKind;
    default:
      return null;
  }
}

/** Makes the rows of a history, oldest first. */
export function rowsOf(steps: readonly Step[]): readonly Row[] {
  const rows: { number: number; nodeId: string; end: string | null; phases: Phase[] }[] = [];
  for (const step of steps) {
    const isPending = step.toState.startsWith('pending');
    const kind = kindOf(step.toState, step.attempt > 0);
    const last = rows.at(-1);
    const open = last?.phases.at(-1);
    const number = isPending ? step.attempt + 1 : step.attempt;
    // Something happened that changed no phase.
    if (last !== undefined && open?.kind === kind && open?.to === null && last.number === number) {
      continue;
    }
    if (open?.to === null) last?.phases.splice(-1, 1, { ...open, to: step.at });
    if (kind === null) {
      if (last !== undefined) last.end = step.toState;
      continue;
    }
    let row = last;
    if (row === undefined || row.number !== number) {
      if (row !== undefined) row.end = 'retry';
      row = { number, nodeId: '', end: null, phases: [] };
      rows.push(row);
    }
    if (step.nodeId !== '') row.nodeId = step.nodeId;
    row.phases.push({ kind, from: step.at, to: null });
  }
  return rows;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  ...[1, 10, 100].flatMap((power) => [1, 2, 5].map((count) => count * power)),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * MINUTE),
  ...[1, 2, 3, 6, 12].map((count) => count * HOUR),
  ...[1, 2, 7, 14, 30, 90, 365].map((count) => count * DAY),
];

/** Chooses marks of an axis that begins at 0: round durations, at most `max` of them. */
export function ticksOf(lengthMs: number, max: number): readonly number[] {
  const step = STEPS.find((one) => lengthMs / one <= max) ?? lengthMs;
  if (step <= 0) return [0];
  return Array.from({ length: Math.floor(lengthMs / step) + 1 }, (_, at) => at * step);
}

/** The time that a row has spent in phases of a kind, ms. */
export function timeIn({ phases }: Row, kinds: readonly PhaseKind[], now: number): number {
  return phases
    .filter(({ kind }) => kinds.includes(kind))
    .reduce((total, { from, to }) => total + Math.max((to ?? now) - from, 0), 0);
}
