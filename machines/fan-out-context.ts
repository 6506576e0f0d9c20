/**
 * The context of the fan-out machine, and what it knows of its children: numbers, never a list.
 *
 * Children are tasks of their own, created with the fan-out and held until it releases them, in the order of their ids. The
 * cursor is the id of the last one released. Times are ms since 1970 by the database's clock.
 */
import type { TaskContext, TaskInput } from './task-context.ts';

/** How a fan-out goes through its children. Percentages are numbers by now. */
export interface FanOutPolicy {
  /** Released and not final at once, at most; at least 1. */
  readonly maxParallel: number;
  /** After this many failed or timed-out children no new one starts; null for no bound. */
  readonly maxFailures: number | null;
  /** For the whole, from the first release on; null for none. */
  readonly deadlineMs: number | null;
  /** The seed of a random order, for the record; null for the order given. */
  readonly seed: number | null;
}

/** Children by what became of them; the sum is their total. */
export interface ChildCounts {
  /** Not released yet. */
  readonly held: number;
  /** Released and not final. */
  readonly active: number;
  readonly completed: number;
  readonly failed: number;
  readonly timeout: number;
  readonly cancelled: number;
  /** Passed over because their nodes were away; absent for none. */
  readonly skipped?: number;
}

/** What a fan-out is created from. */
export interface FanOutInput extends TaskInput {
  readonly fanOut: FanOutPolicy;
  /** Number of children. */
  readonly total: number;
}

/** A task's context, because a fan-out is one, with what only a fan-out has. */
export interface FanOutContext extends TaskContext {
  readonly fanOut: FanOutPolicy;
  readonly total: number;
  readonly counts: ChildCounts;
  /** Children up to this id are released; null before the first. */
  readonly cursor: string | null;
  /** Null until the first release. */
  readonly deadlineAt: number | null;
  /** It stops because too many children have failed: those under way go on to their end. */
  readonly isFailing: boolean;
}

/** Children in a final state. */
export function countFinal(counts: ChildCounts): number {
  const { completed, failed, timeout, cancelled, skipped = 0 } = counts;
  return completed + failed + timeout + cancelled + skipped;
}

/** Tells whether a task's context is that of a fan-out. */
export function isFanOut(context: TaskContext): context is FanOutContext {
  return 'fanOut' in context;
}
