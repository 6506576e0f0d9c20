/**
 * What the agent knows of one attempt: the row that the journal keeps.
 *
 * The journal alone changes a record, after it has committed the change; everybody else reads. So a record in memory never says
 * more than the disk does, except for the acknowledged offsets, which may lag behind on disk.
 */

/**
 * How far an attempt is. `spawning` is committed before anything is started: an attempt that is found in it after a restart of
 * the agent is looked for, and never started again.
 */
export type AttemptPhase = 'accepted' | 'spawning' | 'executing' | 'ended';

/** What was asked for with the attempt. */
export interface AttemptPolicy {
  readonly timeoutMs: number;
  readonly stopGraceMs: number;
  /** Over both output streams together. */
  readonly outputCapBytes: number;
  /** Silence from every supervisor after which the agent stops the attempt by itself; null for never. */
  readonly leaseMs: number | null;
}

/** How an attempt ended, as it will be reported. */
export type AttemptEnd =
  | {
      readonly kind: 'exited';
      /** Null when there was no process. */
      readonly exitCode: number | null;
      readonly signal: string | null;
      /** Why it could not be started; null otherwise. */
      readonly spawnError: string | null;
      /** Why a handler failed. */
      readonly failure?: string;
      readonly exitedAt: number;
      /** What the process wrote, with what the cap dropped. */
      readonly stdoutBytes: number;
      readonly stderrBytes: number;
      /** Over the cap, both streams together. */
      readonly droppedBytes: number;
      /** Of a handler. */
      readonly resultBytes?: number;
    }
  | { readonly kind: 'lost'; readonly why: string };

/** Bytes of stdout and of stderr. */
export interface StreamBytes {
  readonly stdout: number;
  readonly stderr: number;
}

/** The progress that a handler told last. */
export interface AttemptProgress {
  readonly fraction: number;
  readonly message: string;
}

/** Names an attempt. */
export interface AttemptKey {
  readonly taskId: string;
  readonly attempt: number;
}

/** Times are ms since 1970 by the clock of the host. */
export interface AttemptRecord extends AttemptKey {
  /** The boot under which it was accepted. */
  readonly bootId: string;
  readonly policy: AttemptPolicy;
  readonly acceptedAt: number;
  phase: AttemptPhase;
  /** Of the process group and of the parent that records its exit. */
  pid: number | null;
  startedAt: number | null;
  /** Why the agent stopped it or is about to; committed before the first signal. */
  stopCause: string | null;
  stopAt: number | null;
  end: AttemptEnd | null;
  /** What the supervisor has committed. */
  acked: StreamBytes & { readonly result: number };
  isStartAcked: boolean;
  /** Where the cap cut the two streams off; null while it has not. */
  cut: StreamBytes | null;
  /** In memory only. */
  progress?: AttemptProgress;
}

/** Returns a name of the attempt, for maps and folders. */
export function nameOf(key: AttemptKey): string {
  return `${key.taskId}-${key.attempt}`;
}
