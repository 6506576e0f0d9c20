/**
 * The agent's session as a live actor of machines/session.ts: connects, keeps the conversation, backs off, connects again.
 *
 * Called by Agent. The machine decides, this file acts: it opens a conversation in `connecting` and waits in `backing_off`. A
 * conversation that is over can say nothing more to the machine.
 */
import { create } from '@bufbuild/protobuf';
import { ConnectError } from '@connectrpc/connect';
import { type Actor, createActor, type SnapshotFrom } from 'xstate';
import { type SessionEvent, sessionMachine } from '../machines/session.ts';
import {
  type Command,
  type Goodbye,
  GoodbyeReason,
  type Hello,
  HelloSchema,
  type WorkerChanged,
} from '../proto/gen/muster/v1/agent_service_pb.ts';
import type { HostMetrics } from '../proto/gen/muster/v1/node_metrics_pb.ts';
import type { NodeFacts } from '../proto/gen/muster/v1/node_pb.ts';
import type { Clock, Timer } from '../src/process/clock.ts';
import type { Logger } from '../src/process/log.ts';
import { Conversation, type Ending } from './conversation.ts';
import { type Enrolment, EnrolmentRefused, isTokenRefused } from './enrolment.ts';
import type { Lease } from './lease.ts';
import type { Reporter } from './reporter.ts';
import type { Connect, Connection } from './transport.ts';

/** The versions of the session protocol that this agent speaks, newest first. */
const PROTOCOL_VERSIONS: readonly number[] = [1];

/** How long a Leave may take to reach the supervisor. */
const LEAVE_TIMEOUT_MS = 1_000;

export interface SessionOptions {
  readonly nodeId: string;
  readonly bootId: string;
  readonly facts: NodeFacts;
  readonly labels: Readonly<Record<string, string>>;
  readonly slots: number;
  readonly connect: Connect;
  readonly enrolment: Enrolment;
  readonly reporter: Reporter;
  readonly lease: Lease;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** Where every worker stands. */
  readonly workers: () => WorkerChanged[];
  /** How the host is; asked for each heartbeat. */
  readonly measure: () => HostMetrics;
  readonly onCommands: (commands: readonly Command[]) => void;
  /** A session is open; what only this side knows should be told again. */
  readonly onOnline: () => void;
}

type SessionSnapshot = SnapshotFrom<typeof sessionMachine>;

export class Session {
  readonly actor: Actor<typeof sessionMachine>;
  readonly #options: SessionOptions;
  #state: SessionSnapshot['value'] | null = null;
  #connection: Connection | null = null;
  #conversation: Conversation | null = null;
  #underWay: Promise<void> = Promise.resolve();
  #retry: Timer | null = null;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.actor = createActor(sessionMachine, { id: 'session' });
    this.actor.subscribe((snapshot) => this.#entered(snapshot));
  }

  start(): void {
    this.actor.start();
  }

  /** Takes leave and ends the stream. Resolves when the supervisor has it, or could not be told in time. */
  async stop(): Promise<void> {
    this.#send({ type: 'stop.requested' });
    this.#retry?.cancel();
    const connection = this.#connection;
    if (this.#conversation === null) connection?.close();
    this.#conversation?.leave();
    const timeout = this.#options.clock.after(LEAVE_TIMEOUT_MS, () => connection?.close());
    await this.#underWay;
    timeout.cancel();
  }

  #entered({ value, context }: SessionSnapshot): void {
    if (value === this.#state) return;
    this.#state = value;
    const { log, clock } = this.#options;
    if (value === 'connecting') {
      this.#underWay = this.#connect();
    } else if (value === 'online') {
      log.info('session open', { epoch: context.epoch });
    } else if (value === 'backing_off') {
      log.warn('no session', { why: context.why, retryInMs: context.waitMs });
      this.#retry = clock.after(context.waitMs, () => this.#send({ type: 'retry.due' }));
    }
  }

  /** One try, from a new connection to whatever ends it. */
  async #connect(): Promise<void> {
    const { connect, enrolment, log } = this.#options;
    const connection = connect();
    this.#connection = connection;
    try {
      const ending = await this.#converse(connection).catch(async (cause: unknown) => {
        if (!isTokenRefused(cause)) throw cause;
        log.info('the token of this node is not valid any more: enrolling again');
        await enrolment.renew();
        return await this.#converse(connection);
      });
      this.#ended(ending);
    } catch (cause) {
      this.#failed(cause);
    } finally {
      this.#conversation = null;
      this.#connection = null;
      connection.close();
    }
  }

  async #converse(connection: Connection): Promise<Ending> {
    const { enrolment, reporter, lease, clock, measure, onCommands, onOnline } = this.#options;
    const headers = await enrolment.headers(connection);
    const conversation = new Conversation({
      connection,
      headers,
      hello: this.#hello(),
      reporter,
      clock,
      measure,
      onHeard: () => lease.heard(),
      onWelcome: ({ epoch }) => {
        this.#send({ type: 'session.welcomed', at: clock.monotonic(), epoch: Number(epoch) });
        onOnline();
      },
      onCommands,
    });
    this.#conversation = conversation;
    return await conversation.hold();
  }

  #hello(): Hello {
    const { nodeId, bootId, facts, labels, slots, reporter } = this.#options;
    const protocolVersions = [...PROTOCOL_VERSIONS];
    const held = reporter.held();
    const workers = this.#options.workers();
    const who = { nodeId, bootId, facts, labels, slots };
    return create(HelloSchema, { ...who, protocolVersions, held, workers });
  }

  #ended(ending: Ending): void {
    if (ending.kind === 'goodbye') this.#dismissed(ending.goodbye);
    else this.#failed(new Error('the supervisor ended the stream'));
  }

  #dismissed({ reason, message }: Goodbye): void {
    const { log, random } = this.#options;
    const why = message || 'the supervisor said goodbye';
    switch (reason) {
      case GoodbyeReason.SHUTDOWN:
        this.#send({ type: 'session.shutdown', random: random(), why });
        break;
      case GoodbyeReason.REPLACED:
        log.error('another agent has the session of this node', { why });
        this.#send({ type: 'session.replaced', why });
        break;
      case GoodbyeReason.VERSION:
        log.error('the supervisor does not speak the protocol of this agent', { why });
        this.#send({ type: 'session.refused', why });
        break;
      case GoodbyeReason.PROTOCOL_ERROR:
      case GoodbyeReason.UNSPECIFIED:
        this.#failed(new Error(why));
    }
  }

  #failed(cause: unknown): void {
    const { clock, random, log } = this.#options;
    if (cause instanceof EnrolmentRefused) {
      log.error(cause.message);
      this.#send({ type: 'session.refused', why: cause.message });
      return;
    }
    const why = cause instanceof ConnectError ? cause.rawMessage : String((cause as Error).message);
    this.#send({ type: 'session.failed', at: clock.monotonic(), random: random(), why });
  }

  #send(event: SessionEvent): void {
    if (this.actor.getSnapshot().status === 'active') this.actor.send(event);
  }
}
