/**
 * Processes that exist in a test only: they end when the test says so, and remember their signals.
 */
import type { StartAttempt } from '../../proto/gen/muster/v1/agent_service_pb.ts';
import { nameOf } from '../attempt-record.ts';
import type {
  Executor,
  ExitRecord,
  FoundGroup,
  ProcessGroup,
  StartResult,
} from '../executors/executor.ts';
import { FileOutput, type OutputSource } from '../output-source.ts';

export class SimulatedGroup implements ProcessGroup {
  readonly pid: number;
  readonly ended: Promise<void>;
  readonly signals: string[] = [];
  /** Processes of the group besides the main one. */
  others = 0;
  #exit: ExitRecord | null = null;
  #hasEnded = false;
  readonly #onEnded: () => void;

  constructor(pid: number) {
    this.pid = pid;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#onEnded = resolve;
  }

  /** Ends the main process; null when nobody recorded how. */
  end(exit: ExitRecord | null): void {
    this.#exit = exit;
    this.#hasEnded = true;
    this.#onEnded();
  }

  hasEnded(): boolean {
    return this.#hasEnded;
  }

  isEmpty(): boolean {
    return this.#hasEnded && this.others === 0;
  }

  signal(name: 'SIGTERM' | 'SIGKILL'): void {
    this.signals.push(name);
  }

  readExit(): ExitRecord | null {
    return this.#exit;
  }
}

export class SimulatedExecutor implements Executor {
  /** Every start that was asked for, by the name of the attempt; an attempt that is there twice was started twice. */
  readonly starts: string[] = [];
  readonly groups = new Map<string, SimulatedGroup>();
  readonly removed: string[] = [];
  /** Makes the self check of workers fail. */
  checkError: Error | null = null;
  /** Makes every start fail. */
  spawnError: string | null = null;

  async check(): Promise<void> {
    if (this.checkError !== null) throw this.checkError;
  }

  outputOf(_start: StartAttempt, folder: string): OutputSource {
    return new FileOutput(folder);
  }

  async start(start: StartAttempt): Promise<StartResult> {
    const name = nameOf(start);
    this.starts.push(name);
    if (this.spawnError !== null) return { kind: 'failed', why: this.spawnError };
    const group = new SimulatedGroup(1_000 + this.starts.length);
    this.groups.set(name, group);
    return { kind: 'started', group };
  }

  async find(folder: string): Promise<FoundGroup> {
    const group = this.groups.get(folder.slice(folder.lastIndexOf('/') + 1));
    return group === undefined ? { kind: 'never_begun' } : { kind: 'begun', group, begunAt: 0 };
  }

  close(): void {}

  async remove(folder: string): Promise<void> {
    this.removed.push(folder.slice(folder.lastIndexOf('/') + 1));
  }
}
