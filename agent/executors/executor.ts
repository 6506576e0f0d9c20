/**
 * What Attempts needs from whatever carries out an action: one folder here per kind of action.
 *
 * An executor starts a process group that outlives the agent and finds it again after a restart; a call of a handler passes for
 * one, but ends with the agent. It decides nothing about
 * deadlines, stops or reports: execution.ts does that for all kinds alike.
 */
import type { StartAttempt } from '../../proto/gen/muster/v1/agent_service_pb.ts';
import type { OutputSource } from '../output-source.ts';

export interface Executor {
  /**
   * The self check of a worker, before it takes attempts.
   *
   * @throws Error with a sentence when nothing could be started now
   */
  check(): Promise<void>;
  /**
   * Starts the action. Everything it leaves on disk is in `folder`, which must not exist yet.
   *
   * @param signal nobody waits for it any more: what has not begun must not begin (I2)
   */
  start(start: StartAttempt, folder: string, signal?: AbortSignal): Promise<StartResult>;
  /** Where the output of this attempt is or will be. Asked once for each attempt, before all others. */
  outputOf(start: StartAttempt, folder: string): OutputSource;
  /**
   * Looks for what was started in `folder`, by an earlier process of the agent or by a start that does not return. One that had
   * not begun yet never will.
   *
   * @param start the command in the journal; none where the journal does not know of the folder
   */
  find(folder: string, start?: StartAttempt): Promise<FoundGroup>;
  /** Removes what the attempt left on disk. */
  remove(folder: string): Promise<void>;
  /** Gives up what it keeps for starting; what it has started lives on. */
  close(): void;
}

export type StartResult =
  | { readonly kind: 'started'; readonly group: ProcessGroup }
  /** `why` is a sentence for people. There is no process. */
  | { readonly kind: 'failed'; readonly why: string };

export type FoundGroup =
  /** `begunAt` by the clock of the host, ms since 1970. */
  | { readonly kind: 'begun'; readonly group: ProcessGroup; readonly begunAt: number }
  | { readonly kind: 'never_begun' }
  /** It ended with the agent that started it. `why` is a sentence for people. */
  | { readonly kind: 'gone'; readonly why: string };

/** The exit of a main process, as its parent recorded it. */
export interface ExitRecord {
  readonly exitCode: number;
  readonly signal: string | null;
  /** By the clock of the host, ms since 1970; null where no time was recorded. */
  readonly exitedAt: number | null;
  /** Why a handler failed, in a sentence. */
  readonly failure?: string;
}

/** A started process with everything it has started in turn. */
export interface ProcessGroup {
  readonly pid: number;
  /** Why what carried it out is broken and the worker must start anew; null or absent where it is not. */
  readonly broken?: string | null;
  /** Resolves when the main process has ended; others of the group may be left. */
  readonly ended: Promise<void>;
  /** Tells whether the main process has ended, by looking. */
  hasEnded(): boolean;
  /** Tells whether nothing of the group is left but zombies. */
  isEmpty(): boolean;
  signal(name: 'SIGTERM' | 'SIGKILL'): void;
  /** Returns null when nobody could record it: the recording parent was killed too. */
  readExit(): ExitRecord | null;
}
