/**
 * One conversation with a supervisor over one stream: Hello, Welcome, then both directions until either ends.
 *
 * Called by Session, once for each try. It ends by itself when the supervisor is silent for too long (half-open connections look
 * like that); heartbeats are messages of the stream, both ways. Messages are made when the stream takes them: while one is on
 * its way, what happens gathers in the next.
 */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type Duration, durationMs } from '@bufbuild/protobuf/wkt';
import {
  type Command,
  type Goodbye,
  type Hello,
  type SessionRequest,
  SessionRequestSchema,
  type SessionResponse,
  type Welcome,
} from '../proto/gen/muster/v1/agent_service_pb.ts';
import type { HostMetrics } from '../proto/gen/muster/v1/node_metrics_pb.ts';
import type { Clock, Timer } from '../src/process/clock.ts';
import type { Reporter } from './reporter.ts';
import type { Connection } from './transport.ts';

/** From the first byte to Welcome. */
const WELCOME_TIMEOUT_MS = 10_000;
/** What has arrived when the connection ends is read within this time. */
const CLOSED_GRACE_MS = 50;
/** Bounds for what a supervisor may ask for. */
const MIN_INTERVAL_MS = 50;

export interface ConversationOptions {
  readonly connection: Connection;
  readonly headers: Headers;
  readonly hello: Hello;
  readonly reporter: Reporter;
  readonly clock: Clock;
  /** How the host is; asked for each heartbeat. */
  readonly measure: () => HostMetrics;
  /** Any message has come. */
  readonly onHeard: () => void;
  readonly onWelcome: (welcome: Welcome) => void;
  readonly onCommands: (commands: readonly Command[]) => void;
}

/** How a conversation ended, other than by an error. */
export type Ending =
  | { readonly kind: 'goodbye'; readonly goodbye: Goodbye }
  /** The supervisor ended the stream without a word. */
  | { readonly kind: 'closed' };

export class Conversation {
  readonly #options: ConversationOptions;
  readonly #abort = new AbortController();
  #silence: Timer | null = null;
  #heartbeat: Timer | null = null;
  #deadAfterMs = WELCOME_TIMEOUT_MS;
  #isWelcome = false;
  #isHeartbeatDue = false;
  #isLeaving = false;
  #wake: (() => void) | null = null;

  constructor(options: ConversationOptions) {
    this.#options = options;
  }

  /**
   * Talks until either side ends it.
   *
   * @throws whatever broke the stream
   */
  async hold(): Promise<Ending> {
    const { connection, headers, reporter, clock, onHeard } = this.#options;
    this.#watchSilence();
    // What has arrived before the end may still be read.
    void connection.closed.then(() =>
      clock.after(CLOSED_GRACE_MS, () => this.cut(new Error('the connection was closed'))),
    );
    try {
      const responses = connection.client.session(this.#requests(), {
        headers,
        signal: this.#abort.signal,
      });
      for await (const response of responses) {
        onHeard();
        this.#watchSilence();
        const ending = this.#take(response);
        if (ending !== null) return ending;
      }
      return { kind: 'closed' };
    } finally {
      this.#silence?.cancel();
      this.#heartbeat?.cancel();
      reporter.onReady = () => {};
      reporter.close();
      this.cut(new Error('the session is over'));
    }
  }

  /** Says Leave and ends the sending half; the supervisor then ends the stream. */
  leave(): void {
    this.#isLeaving = true;
    this.#notify();
  }

  /** Ends it at once, in the middle of whatever is on its way. */
  cut(reason: Error): void {
    this.#isLeaving = true;
    this.#notify();
    this.#abort.abort(reason);
  }

  #take({ message }: SessionResponse): Ending | null {
    if (message.case === 'goodbye') return { kind: 'goodbye', goodbye: message.value };
    if (message.case === 'welcome' && !this.#isWelcome) {
      this.#begin(message.value);
    } else if (!this.#isWelcome) {
      throw new Error(`the supervisor sent ${message.case ?? 'nothing'} before its Welcome`);
    } else if (message.case === 'commands') {
      this.#options.onCommands(message.value.commands);
    } else if (message.case === 'ack') {
      this.#options.reporter.acknowledge(Number(message.value.seq));
    }
    return null;
  }

  #begin(welcome: Welcome): void {
    const { reporter, clock, onWelcome } = this.#options;
    this.#isWelcome = true;
    const intervalMs = intervalOf(welcome.heartbeatInterval, 5_000);
    this.#deadAfterMs = intervalOf(welcome.deadAfter, 15_000);
    this.#watchSilence();
    const beat = () => {
      this.#isHeartbeatDue = true;
      this.#notify();
      this.#heartbeat = clock.after(intervalMs, beat);
    };
    this.#heartbeat = clock.after(intervalMs, beat);
    reporter.onReady = () => this.#notify();
    reporter.open();
    onWelcome(welcome);
  }

  #watchSilence(): void {
    this.#silence?.cancel();
    this.#silence = this.#options.clock.after(this.#deadAfterMs, () => {
      const what = this.#isWelcome ? 'nothing from' : 'no Welcome from';
      this.cut(new Error(`${what} the supervisor for ${this.#deadAfterMs / 1000} s`));
    });
  }

  /** What this side sends, pulled by the transport whenever it can take more. */
  async *#requests(): AsyncIterable<SessionRequest> {
    yield requestOf({ case: 'hello', value: this.#options.hello });
    for (;;) {
      const next = this.#next();
      if (next !== null) yield next;
      if (next?.message.case === 'leave') return;
      if (next !== null) continue;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #next(): SessionRequest | null {
    if (this.#isLeaving) return requestOf({ case: 'leave', value: {} });
    if (!this.#isWelcome) return null;
    if (this.#isHeartbeatDue) {
      this.#isHeartbeatDue = false;
      return requestOf({ case: 'heartbeat', value: { metrics: this.#options.measure() } });
    }
    const events = this.#options.reporter.next();
    return events === null ? null : requestOf({ case: 'events', value: events });
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }
}

function requestOf(
  message: NonNullable<MessageInitShape<typeof SessionRequestSchema>['message']>,
): SessionRequest {
  return create(SessionRequestSchema, { message });
}

function intervalOf(duration: Duration | undefined, defaultMs: number): number {
  if (duration === undefined) return defaultMs;
  return Math.max(durationMs(duration), MIN_INTERVAL_MS);
}
