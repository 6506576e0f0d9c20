/**
 * The context of the node machine: what operators have asked of a host. Times are ms since 1970 by the database's clock.
 *
 * Whether its agent is connected is no part of it: that is the session's, and changes without anybody asking.
 */

/** What becomes of the tasks that are still at work when the deadline of a drain is over. */
export type DrainEnd = 'stop' | 'leave';

export interface NodeInput {
  readonly id: string;
  readonly createdAt: number;
}

/** One wish to empty a node. */
export interface Drain {
  readonly by: string;
  readonly note: string;
  readonly requestedAt: number;
  /** Null for as long as it takes. */
  readonly deadlineAt: number | null;
  readonly onDeadline: DrainEnd;
}

export interface NodeContext extends NodeInput {
  /** Null while it takes work. */
  readonly drain: Drain | null;
  /** Tasks at work on it, as last counted during a drain. */
  readonly active: number;
  /** When it was empty, or left as it was. */
  readonly drainedAt: number | null;
}

/** Everything that can happen to a node. */
export type NodeEventBody =
  | {
      readonly type: 'drain.requested';
      readonly by: string;
      readonly note: string;
      /** From the request on; null for as long as it takes. */
      readonly deadlineMs: number | null;
      readonly onDeadline: DrainEnd;
    }
  | { readonly type: 'resume.requested'; readonly by: string }
  /** Tasks running on the node, counted while it takes no new ones. */
  | { readonly type: 'tasks.counted'; readonly active: number }
  | { readonly type: 'timer.fired' };

export type NodeEvent = NodeEventBody & { readonly at: number };
