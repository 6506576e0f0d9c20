/**
 * What a supervisor and an agent say to each other, as the supervisor sees it: the interface to the agent service.
 *
 * Nothing here speaks of protobuf; src/rpc translates.
 */
import type { HostMetrics } from '../../db/node-metrics.ts';
import type { OutputPiece, TaskProgress } from '../../db/records.ts';
import type { WorkerOperation, WorkerReport } from '../../db/workers.ts';
import type { HeldPhase, TaskReport } from '../../machines/task-events.ts';

/** What an agent says of itself when it opens a session. */
export interface AgentHello {
  readonly nodeId: string;
  readonly bootId: string;
  /** NodeFacts as protobuf JSON. */
  readonly facts: unknown;
  readonly labels: Readonly<Record<string, string>>;
  readonly slots: number;
  readonly held: readonly { taskId: string; attempt: number; phase: HeldPhase }[];
  /** All of them. */
  readonly workers: readonly WorkerReport[];
}

/** One thing an agent tells, in order. */
export type AgentEvent =
  | { readonly kind: 'accepted'; readonly taskId: string; readonly attempt: number }
  | { readonly kind: 'report'; readonly taskId: string; readonly report: AgentReport }
  | { readonly kind: 'output'; readonly piece: OutputPiece }
  | { readonly kind: 'progress'; readonly taskId: string; readonly progress: TaskProgress }
  | { readonly kind: 'worker'; readonly report: WorkerReport };

type WithoutSession<T> = T extends TaskReport ? Omit<T, 'nodeId' | 'epoch'> : never;
/** A report before the session has stamped its node and its epoch on it. */
export type AgentReport = WithoutSession<TaskReport>;

/** What a supervisor asks of an agent. */
export type AgentCommand =
  | {
      readonly kind: 'start';
      readonly taskId: string;
      readonly attempt: number;
      readonly name: string;
      readonly timeoutMs: number;
      readonly stopGraceMs: number;
      readonly outputCapBytes: number;
      /** Null for never. */
      readonly leaseMs: number | null;
      readonly spec: unknown;
    }
  | {
      readonly kind: 'stop';
      readonly taskId: string;
      readonly attempt: number;
      readonly cause: 'cancel' | 'timeout' | 'stale';
    }
  | { readonly kind: 'forget'; readonly taskId: string; readonly attempt: number }
  | {
      readonly kind: 'operate';
      readonly worker: string;
      readonly operation: WorkerOperation;
      /** Rises with every operation of the worker. */
      readonly seq: number;
    };

/** `replaced`: another session of the node is the one that counts. */
export type GoodbyeReason = 'shutdown' | 'replaced' | 'protocol_error';

/** The way to one agent. Sending never blocks; the link bounds its own queue. */
export interface AgentLink {
  send(commands: readonly AgentCommand[]): void;
  acknowledge(seq: number): void;
  heartbeat(): void;
  /** Says why and ends the stream. */
  close(reason: GoodbyeReason, message: string): void;
}

/** One open session, as the agent service drives it. */
export interface OpenSession {
  readonly epoch: number;
  /** Counts as a sign of life. Acknowledged through the link once it is committed. */
  receive(seq: number, events: readonly AgentEvent[]): void;
  /** Counts as a sign of life. `metrics`: how the host is; null or none if it did not say. */
  heard(metrics?: HostMetrics | null): void;
  /** The stream has ended. Called exactly once, also after the link was closed. */
  ended(isLeaving: boolean): void;
}

export interface Sessions {
  readonly heartbeatIntervalMs: number;
  readonly deadAfterMs: number;
  /**
   * Opens the next epoch of a node and adopts its tasks. Send Welcome, then call `begin`. Null if another agent holds the node:
   * the link has been closed with the reason.
   */
  open(hello: AgentHello, link: AgentLink): Promise<(OpenSession & { begin(): void }) | null>;
}
