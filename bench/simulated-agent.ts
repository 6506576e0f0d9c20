/**
 * An agent without a host: it speaks the real session protocol over a connection of its own and does what it is told at once.
 *
 * Each StartAttempt is accepted and started in one batch and has exited in the next; what happens while a message is on its way
 * gathers in the one after it, as in the real agent. It keeps no journal and is never asked to keep anything across sessions.
 */
import { readFile } from 'node:fs/promises';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { durationMs, timestampNow } from '@bufbuild/protobuf/wkt';
import {
  type Command,
  EventSchema,
  type Event,
  type SessionRequest,
  SessionRequestSchema,
} from '../proto/gen/muster/v1/agent_service_pb.ts';
import { createConnect } from '../agent/transport.ts';

/** As a host that has little to do would measure. */
const METRICS = {
  load1: 0.25,
  load5: 0.5,
  load15: 0.75,
  cpuShare: 0.125,
  memoryUsedBytes: 3n * 2n ** 30n,
  memoryTotalBytes: 2n ** 33n,
  diskUsedBytes: 2n ** 37n,
  diskTotalBytes: 2n ** 38n,
};

export interface SimulatedAgentOptions {
  readonly url: string;
  readonly agentToken: string;
  readonly nodeId: string;
  readonly slots: number;
  /** How long each attempt takes, from started to exited. */
  readonly workMs: number;
  /** With which each attempt ends. Default 0. */
  readonly exitCode?: number;
  /** The ends of this many attempts are committed: the supervisor has let them go. */
  readonly onForgotten: (count: number) => void;
}

export class SimulatedAgent {
  readonly #options: SimulatedAgentOptions;
  #events: Event[] = [];
  readonly #held = new Set<string>();
  #seq = 0n;
  #isHeartbeatDue = false;
  #isWelcome = false;
  #isOver = false;
  #wake: (() => void) | null = null;

  constructor(options: SimulatedAgentOptions) {
    this.#options = options;
  }

  /** Enrols and holds one session. Resolves when it is open; `onEnd` is told when it is over. */
  async connect(onEnd: (why: string) => void): Promise<void> {
    const { url, agentToken, nodeId } = this.#options;
    const { client } = createConnect(url, null)();
    const { nodeToken } = await client.enroll({ nodeId }, { headers: bearer(agentToken) });
    const responses = client.session(this.#requests(), { headers: bearer(nodeToken) });
    const { promise: welcomed, resolve, reject } = Promise.withResolvers<void>();
    const read = async () => {
      for await (const { message } of responses) {
        if (message.case === 'commands') this.#take(message.value.commands);
        else if (message.case === 'goodbye') return onEnd(message.value.message);
        else if (message.case === 'welcome') {
          const interval = message.value.heartbeatInterval;
          this.#beat(interval === undefined ? 5_000 : durationMs(interval));
          this.#isWelcome = true;
          this.#notify();
          resolve();
        }
      }
      onEnd('the stream has ended');
    };
    read()
      .catch((error: unknown) => {
        reject(error);
        onEnd(String(error));
      })
      .finally(() => {
        this.#isOver = true;
        this.#notify();
      });
    await welcomed;
  }

  #beat(everyMs: number): void {
    const timer = setInterval(() => {
      if (this.#isOver) clearInterval(timer);
      this.#isHeartbeatDue = true;
      this.#notify();
    }, everyMs);
  }

  #take(commands: readonly Command[]): void {
    const started: { taskId: string; attempt: number }[] = [];
    let forgotten = 0;
    for (const { command } of commands) {
      if (command.case === 'start') {
        started.push(command.value);
        this.#held.add(keyOf(command.value));
      } else if (command.case === 'forget') {
        forgotten += 1;
        this.#held.delete(keyOf(command.value));
      } else if (command.case === 'stop' && !this.#held.has(keyOf(command.value))) {
        // It was cancelled before it was sent. What is held ends by itself soon enough.
        const { taskId, attempt } = command.value;
        this.#tell({ case: 'lost', value: { taskId, attempt } });
        this.#notify();
      }
    }
    if (forgotten > 0) this.#options.onForgotten(forgotten);
    if (started.length === 0) return;
    const at = timestampNow();
    for (const { taskId, attempt } of started) {
      this.#tell({ case: 'accepted', value: { taskId, attempt } });
      const times = { acceptedAt: at, startedAt: at };
      this.#tell({ case: 'started', value: { taskId, attempt, ...times, pid: 1 } });
    }
    this.#notify();
    const { exitCode = 0, workMs } = this.#options;
    setTimeout(() => {
      const exitedAt = timestampNow();
      for (const { taskId, attempt } of started) {
        const times = { acceptedAt: at, startedAt: at, exitedAt };
        this.#tell({ case: 'exited', value: { taskId, attempt, exitCode, ...times } });
      }
      this.#notify();
    }, workMs);
  }

  #tell(event: MessageInitShape<typeof EventSchema>['event'] & {}): void {
    this.#events.push(create(EventSchema, { event }));
  }

  async *#requests(): AsyncIterable<SessionRequest> {
    const { nodeId, slots } = this.#options;
    const bootId = `simulated-${nodeId}`;
    yield requestOf({ case: 'hello', value: { nodeId, bootId, protocolVersions: [1], slots } });
    while (!this.#isOver) {
      if (this.#isWelcome && this.#events.length > 0) {
        this.#seq += 1n;
        const events = this.#events;
        this.#events = [];
        yield requestOf({ case: 'events', value: { seq: this.#seq, events } });
      } else if (this.#isHeartbeatDue) {
        this.#isHeartbeatDue = false;
        yield requestOf({ case: 'heartbeat', value: { metrics: METRICS } });
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }
}

function keyOf({ taskId, attempt }: { taskId: string; attempt: number }): string {
  return `${taskId} ${attempt}`;
}

/** Reads the agent token of an installation. */
export async function readAgentToken(home: string): Promise<string> {
  return (await readFile(`${home}/agent.token`, 'utf8')).trim();
}

function bearer(token: string): Headers {
  return new Headers({ authorization: `Bearer ${token}` });
}

function requestOf(
  message: NonNullable<MessageInitShape<typeof SessionRequestSchema>['message']>,
): SessionRequest {
  return create(SessionRequestSchema, { message });
}
