/**
 * An agent for tests of the supervisor: it does what the test tells it, over the same interface as the agent service.
 */
import type {
  AgentCommand,
  AgentEvent,
  AgentHello,
  AgentLink,
  GoodbyeReason,
  HostMetrics,
  Supervisor,
} from './supervisor.ts';

type Session = Awaited<ReturnType<Supervisor['sessions']['open']>>;

export class ScriptedAgent implements AgentLink {
  readonly commands: AgentCommand[] = [];
  readonly nodeId: string;
  acknowledged = 0;
  goodbye: { reason: GoodbyeReason; message: string } | null = null;
  #session: Session | null = null;
  #seq = 0;
  /** What to do with each command; by default nothing. */
  onCommand: (command: AgentCommand) => void = () => {};

  constructor(nodeId: string) {
    this.nodeId = nodeId;
  }

  get epoch(): number {
    return this.#session?.epoch ?? 0;
  }

  async connect(supervisor: Supervisor, hello: Partial<AgentHello> = {}): Promise<void> {
    this.#seq = 0;
    this.acknowledged = 0;
    this.goodbye = null;
    const base = {
      nodeId: this.nodeId,
      bootId: 'boot-1',
      facts: {},
      labels: {},
      slots: 4,
      held: [],
      workers: [],
    };
    this.#session = null;
    this.#session = await supervisor.sessions.open({ ...base, ...hello }, this);
    this.#session?.begin();
  }

  /** Reports; returns the number of the batch. */
  tell(...events: AgentEvent[]): number {
    this.#seq += 1;
    this.#session?.receive(this.#seq, events);
    return this.#seq;
  }

  disconnect(isLeaving = false): void {
    this.#session?.ended(isLeaving);
  }

  starts(): Extract<AgentCommand, { kind: 'start' }>[] {
    return this.commands.filter((command) => command.kind === 'start');
  }

  started(taskId: string, attempt = 1): AgentEvent {
    const report = { type: 'attempt.started', attempt, acceptedAt: 1, startedAt: 2 } as const;
    return { kind: 'report', taskId, report };
  }

  exited(taskId: string, exitCode: number, attempt = 1, more: object = {}): AgentEvent {
    const report = {
      type: 'attempt.exited',
      attempt,
      exitCode,
      signal: null,
      stopCause: null,
      spawnError: null,
      acceptedAt: 1,
      startedAt: 2,
      exitedAt: 3,
      stdoutBytes: 0,
      stderrBytes: 0,
      droppedBytes: 0,
      ...more,
    } as const;
    return { kind: 'report', taskId, report };
  }

  send(commands: readonly AgentCommand[]): void {
    this.commands.push(...commands);
    for (const command of commands) this.onCommand(command);
  }

  acknowledge(seq: number): void {
    this.acknowledged = seq;
  }

  heartbeat(): void {
    this.#session?.heard();
  }

  /** Gives a sign of life and says how the host is. */
  beat(metrics: HostMetrics): void {
    this.#session?.heard(metrics);
  }

  close(reason: GoodbyeReason, message: string): void {
    this.goodbye = { reason, message };
    this.#session?.ended(false);
  }
}
