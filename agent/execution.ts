/**
 * The execution of one attempt: its process group from the start until nobody is left in it (I9).
 *
 *   running ──main process ended──▶ others left? ──no──▶ over
 *      │ stop: cancel, timeout,          │ yes            ▲
 *      │ lease, stale                    ▼                │
 *      └────────────────────────▶ SIGTERM ─grace─▶ SIGKILL, until the group is empty
 *
 * Called by Attempts. The cause of a stop is committed to the journal before the first signal, so a restarted agent knows its own
 * kill from others. The deadline is this agent's own timer, armed again after a restart.
 */
import type { Clock, Timer } from '../src/process/clock.ts';
import type { AttemptRecord } from './attempt-record.ts';
import type { ExitRecord, ProcessGroup } from './executors/executor.ts';

/** The exit of a main process whose recording parent was killed with it: only SIGKILL does that. */
const KILLED: ExitRecord = { exitCode: 137, signal: 'SIGKILL', exitedAt: null };

/** How often the group is looked at while it is being stopped; the wait grows from the first to the second. */
const FIRST_LOOK_MS = 5;
const LAST_LOOK_MS = 100;

/** SIGKILL is repeated: somebody may have joined the group meanwhile. */
const KILL_INTERVAL_MS = 1_000;

export interface ExecutionOptions {
  readonly record: AttemptRecord;
  readonly group: ProcessGroup;
  readonly clock: Clock;
  /** Commits that it is being stopped, and why. */
  readonly onStopping: (cause: string) => void;
}

export class Execution {
  /** Resolves when the group is empty. */
  readonly over: Promise<ExitRecord>;
  readonly #options: ExecutionOptions;
  #deadline: Timer | null = null;
  #kill: Timer | null = null;
  #isTerminating = false;
  #isAbandoned = false;

  constructor(options: ExecutionOptions) {
    this.#options = options;
    const { record } = options;
    if (record.stopCause === null) this.#armDeadline();
    else if (!options.group.hasEnded()) void this.#terminate(record.stopAt);
    this.over = this.#run();
  }

  /** Ends the group. The first cause counts; one that comes when the main process has ended by itself does not. */
  stop(cause: string): void {
    const { record, group, onStopping } = this.#options;
    if (record.stopCause !== null || this.#isTerminating || this.#isAbandoned) return;
    if (group.hasEnded()) return;
    onStopping(cause);
    this.#deadline?.cancel();
    void this.#terminate(null);
  }

  /** Lets the group live on and takes no more part in it: the agent is ending. `over` stays open. */
  abandon(): void {
    this.#isAbandoned = true;
    this.#deadline?.cancel();
    this.#kill?.cancel();
  }

  async #run(): Promise<ExitRecord> {
    const { group } = this.#options;
    await group.ended;
    this.#deadline?.cancel();
    if (!this.#isAbandoned && !group.isEmpty()) await this.#terminate(null);
    if (this.#isAbandoned) return new Promise(() => {});
    return group.readExit() ?? KILLED;
  }

  #armDeadline(): void {
    const { record, clock } = this.#options;
    const ranMs = record.startedAt === null ? 0 : Math.max(clock.now() - record.startedAt, 0);
    const leftMs = record.policy.timeoutMs - ranMs;
    this.#deadline = clock.after(leftMs, () => this.stop('timeout'));
  }

  /** SIGTERM, grace, SIGKILL; resolves when the group is empty. The grace counts from `since`, if it began earlier. */
  async #terminate(since: number | null): Promise<void> {
    const { record, group, clock } = this.#options;
    if (this.#isTerminating) return this.#untilEmpty();
    this.#isTerminating = true;
    const passedMs = since === null ? 0 : Math.max(clock.now() - since, 0);
    group.signal('SIGTERM');
    const kill = () => {
      group.signal('SIGKILL');
      this.#kill = clock.after(KILL_INTERVAL_MS, kill);
    };
    this.#kill = clock.after(record.policy.stopGraceMs - passedMs, kill);
    await this.#untilEmpty();
    this.#kill.cancel();
  }

  async #untilEmpty(): Promise<void> {
    const { group, clock } = this.#options;
    await group.ended;
    let waitMs = FIRST_LOOK_MS;
    while (!this.#isAbandoned && !group.isEmpty()) {
      await new Promise<void>((resolve) => void clock.after(waitMs, resolve));
      waitMs = Math.min(waitMs * 2, LAST_LOOK_MS);
    }
  }
}
