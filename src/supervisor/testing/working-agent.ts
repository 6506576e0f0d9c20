/**
 * An agent for tests that does its work by itself: it starts what it is sent and says how it ended, slot by slot.
 *
 * It counts what a supervisor must never do: more attempts than slots and prefetch, a prefetched task that any node could take,
 * an attempt sent twice.
 */
import { ScriptedAgent } from '../scripted-agent.ts';
import type { AgentCommand, AgentHello, Supervisor } from '../supervisor.ts';

type Start = Extract<AgentCommand, { kind: 'start' }>;

export class WorkingAgent extends ScriptedAgent {
  readonly slots: number;
  readonly faults: string[] = [];
  readonly done: string[] = [];
  /** The exit code of an attempt; null to leave it open. */
  exitCodeOf: (start: Start) => number | null = () => 0;
  /** What any node could have taken, by task id. */
  isAny: (taskId: string) => boolean = () => false;
  readonly #queue: Start[] = [];
  /** Every attempt until it is to be forgotten; its exit code once it has ended. */
  readonly #held = new Map<string, { start: Start; exitCode: number | null }>();
  readonly #seen = new Set<string>();
  #busy = 0;
  #isAway = false;

  constructor(nodeId: string, slots = 4) {
    super(nodeId);
    this.slots = slots;
    this.onCommand = (command) => {
      if (command.kind === 'start') this.#take(command);
      if (command.kind === 'forget') this.#held.delete(`${command.taskId}/${command.attempt}`);
    };
  }

  /** Says in its Hello what it holds, and tells again what has ended. */
  override async connect(supervisor: Supervisor, hello: Partial<AgentHello> = {}): Promise<void> {
    const held = [...this.#held.values()].map(({ start: { taskId, attempt }, exitCode }) => ({
      taskId,
      attempt,
      phase: exitCode === null ? ('accepted' as const) : ('ended' as const),
    }));
    await super.connect(supervisor, { slots: this.slots, held, ...hello });
    this.#isAway = false;
    for (const { start, exitCode } of this.#held.values()) this.#tellEnd(start, exitCode);
  }

  override disconnect(isLeaving = false): void {
    this.#isAway = true;
    super.disconnect(isLeaving);
  }

  #take(start: Start): void {
    const name = `${start.taskId}/${start.attempt}`;
    if (this.#seen.has(name)) return;
    this.#seen.add(name);
    this.#held.set(name, { start, exitCode: null });
    const active = this.#busy + this.#queue.length;
    const prefetch = Math.ceil(this.slots / 2);
    if (active >= this.slots + prefetch) this.faults.push(`${name} is the ${active + 1}th`);
    if (active >= this.slots && this.isAny(start.taskId)) this.faults.push(`${name} is prefetched`);
    this.#queue.push(start);
    this.#work();
  }

  #work(): void {
    while (this.#busy < this.slots && this.#queue.length > 0) {
      const start = this.#queue.shift() as Start;
      this.#busy += 1;
      // The end of a turn of the event loop: long enough for everything else to happen in between.
      setImmediate(() => {
        const exitCode = this.exitCodeOf(start);
        if (exitCode === null) return;
        this.#busy -= 1;
        this.done.push(start.taskId);
        this.#held.set(`${start.taskId}/${start.attempt}`, { start, exitCode });
        this.#tellEnd(start, exitCode);
        this.#work();
      });
    }
  }

  #tellEnd({ taskId, attempt }: Start, exitCode: number | null): void {
    if (exitCode === null || this.#isAway) return;
    this.tell(this.started(taskId, attempt), this.exited(taskId, exitCode, attempt));
  }
}
