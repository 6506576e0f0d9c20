/**
 * A supervisor for tests of the agent: a real HTTP/2 server that speaks the session protocol and remembers what it is told.
 *
 * It decides nothing by itself besides acknowledging, which a test can turn off.
 */
import { once } from 'node:events';
import {
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type ServerHttp2Session,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, type HandlerContext } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import {
  AgentService,
  type CommandSchema,
  type GoodbyeReason,
  type SessionRequest,
  type SessionResponse,
  SessionResponseSchema,
  type StartAttemptSchema,
} from '../../proto/gen/muster/v1/agent_service_pb.ts';
import { type AttemptKey, nameOf } from '../attempt-record.ts';
import { ReportedAttempt } from './reported-attempt.ts';
import { SupervisorSession } from './supervisor-session.ts';

type CommandInit = MessageInitShape<typeof CommandSchema>['command'];
type StartInit = MessageInitShape<typeof StartAttemptSchema>;
type ResponseInit = NonNullable<MessageInitShape<typeof SessionResponseSchema>['message']>;

/** PEM. */
interface Tls {
  readonly cert: string;
  readonly key: string;
}

/** A condition that a test waits for must come true within this time. */
const PATIENCE_MS = 20_000;

export class TestSupervisor {
  readonly sessions: SupervisorSession[] = [];
  readonly agentToken = 'agent-token-of-tests';
  enrolments = 0;
  /** Node tokens are made with it: another one revokes them all. */
  tokenKey = 'first';
  isAcknowledging = true;
  /** Sends heartbeats. */
  isAlive = true;
  heartbeatIntervalMs = 5_000;
  deadAfterMs = 15_000;
  /** Answers Hello with this instead of Welcome. */
  refusal: ResponseInit | null = null;
  readonly #attempts = new Map<string, ReportedAttempt>();
  readonly #connections = new Set<ServerHttp2Session>();
  readonly #waiting = new Set<() => void>();
  readonly #tls: Tls | null;
  #server: Http2Server | Http2SecureServer | null = null;
  #port = 0;

  private constructor(tls: Tls | null) {
    this.#tls = tls;
  }

  static async start(tls: Tls | null = null): Promise<TestSupervisor> {
    const supervisor = new TestSupervisor(tls);
    await supervisor.listen();
    return supervisor;
  }

  get url(): string {
    return `${this.#tls === null ? 'http' : 'https'}://127.0.0.1:${this.#port}`;
  }

  /** The session that was opened last. */
  get session(): SupervisorSession {
    const last = this.sessions.at(-1);
    if (last === undefined) throw new Error('no session has been opened');
    return last;
  }

  /** Listens again where it did before. */
  async listen(): Promise<void> {
    const handler = connectNodeAdapter({
      acceptCompression: [],
      routes: (router) =>
        router.service(AgentService, {
          enroll: ({ nodeId }, context) => this.#enroll(nodeId, context),
          session: (requests, context) => this.#hold(requests, context),
        }),
    });
    const server =
      this.#tls === null ? createServer(handler) : createSecureServer(this.#tls, handler);
    server.on('session', (connection: ServerHttp2Session) => {
      this.#connections.add(connection);
      connection.on('error', () => {});
      connection.once('close', () => this.#connections.delete(connection));
    });
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Dies: all connections break and nobody listens. */
  async die(): Promise<void> {
    for (const connection of this.#connections) connection.destroy();
    const server = this.#server;
    if (server !== null) await new Promise((resolve) => server.close(resolve));
    this.#server = null;
  }

  of(key: AttemptKey): ReportedAttempt {
    const name = nameOf(key);
    const attempt = this.#attempts.get(name) ?? new ReportedAttempt();
    this.#attempts.set(name, attempt);
    return attempt;
  }

  start(start: StartInit & AttemptKey): void {
    this.send({ case: 'start', value: start });
  }

  stop(key: AttemptKey, cause = 'cancel'): void {
    this.send({ case: 'stop', value: { ...key, cause } });
  }

  forget(key: AttemptKey): void {
    this.send({ case: 'forget', value: key });
  }

  send(...commands: CommandInit[]): void {
    const value = { commands: commands.map((command) => ({ command: command as never })) };
    this.session.send({ case: 'commands', value });
  }

  /** Waits until the agent has a session, from the one with this number on. */
  async online(count = 1): Promise<void> {
    await this.until(() => this.sessions.length >= count && this.session.isOpen, 'a session');
  }

  /** Waits until an attempt is over, and returns what was told of it. */
  async over(key: AttemptKey): Promise<ReportedAttempt> {
    await this.until(() => this.of(key).isOver, `the end of ${nameOf(key)}`);
    return this.of(key);
  }

  /** Waits until something is so; looks whenever a message has come. */
  async until(isTrue: () => boolean, what: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = () => {
      if (isTrue()) resolve();
    };
    const timer = setTimeout(() => reject(new Error(`waited too long for ${what}`)), PATIENCE_MS);
    this.#waiting.add(look);
    look();
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(look);
    }
  }

  #enroll(nodeId: string, context: HandlerContext): { nodeToken: string } {
    this.#check(context, this.agentToken);
    this.enrolments += 1;
    return { nodeToken: this.#nodeToken(nodeId) };
  }

  async *#hold(
    requests: AsyncIterable<SessionRequest>,
    context: HandlerContext,
  ): AsyncIterable<SessionResponse> {
    const messages = requests[Symbol.asyncIterator]();
    const first = (await messages.next()).value as SessionRequest;
    if (first.message.case !== 'hello') throw new ConnectError('no Hello', Code.InvalidArgument);
    this.#check(context, this.#nodeToken(first.message.value.nodeId));
    if (this.refusal !== null) {
      yield create(SessionResponseSchema, { message: this.refusal });
      return;
    }
    const session = new SupervisorSession(first.message.value, this.sessions.length + 1);
    context.signal.addEventListener('abort', () => session.end());
    this.sessions.push(session);
    const beat = setInterval(() => {
      if (session.isOpen && this.isAlive) session.send({ case: 'heartbeat', value: {} });
      if (!session.isOpen) clearInterval(beat);
    }, this.heartbeatIntervalMs);
    session.send({
      case: 'welcome',
      value: {
        protocolVersion: 1,
        epoch: BigInt(session.epoch),
        heartbeatInterval: durationFromMs(this.heartbeatIntervalMs),
        deadAfter: durationFromMs(this.deadAfterMs),
        supervisorId: 'test',
      },
    });
    void this.#listenTo(messages, session);
    this.#look();
    yield* session.responses();
  }

  async #listenTo(
    messages: AsyncIterator<SessionRequest>,
    session: SupervisorSession,
  ): Promise<void> {
    try {
      for (;;) {
        const { done, value } = await messages.next();
        if (done) break;
        session.requests.push(value);
        if (value.message.case === 'events') this.#take(value.message.value, session);
        this.#look();
      }
    } catch {
      // The agent died or cut the stream; the test looks at isOpen.
    }
    session.end();
    this.#look();
  }

  #take(
    events: Extract<SessionRequest['message'], { case: 'events' }>['value'],
    session: SupervisorSession,
  ): void {
    for (const event of events.events) {
      if (event.event.case === 'worker') session.workers.push(event.event.value);
      else if (event.event.value !== undefined) this.of(event.event.value).take(event);
    }
    session.seqs.push(Number(events.seq));
    if (this.isAcknowledging) session.acknowledge(Number(events.seq));
  }

  #check(context: HandlerContext, token: string): void {
    if (context.requestHeader.get('authorization') !== `Bearer ${token}`) {
      throw new ConnectError('the token is not valid here', Code.Unauthenticated);
    }
  }

  #nodeToken(nodeId: string): string {
    return `node-token-of-tests.${nodeId}.${this.tokenKey}`;
  }

  #look(): void {
    for (const look of this.#waiting) look();
  }
}

/** A Goodbye for `refusal` or `send`. */
export function goodbye(reason: GoodbyeReason, message: string): ResponseInit {
  return { case: 'goodbye', value: { reason, message } };
}
