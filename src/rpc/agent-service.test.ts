// Sessions of agents: the handshake, both directions, and every way to break one. In memory and over HTTP/2.

import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  Code,
  type ConnectError,
  createRouterTransport,
  type Transport,
} from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Events,
  type EventsSchema,
  GoodbyeReason,
  type HelloSchema,
  type SessionRequestSchema,
} from '../../proto/gen/muster/v1/agent_service_pb.ts';
import { WorkerState } from '../../proto/gen/muster/v1/worker_pb.ts';
import { Interpreter, OutputStream } from '../../proto/gen/muster/v1/task_pb.ts';
import { startTestServer, type TestServer } from '../http/testing/test-server.ts';
import { type Clock, SimulatedClock } from '../process/clock.ts';
import { silentLogger } from '../process/log.ts';
import { makeNodeToken } from './auth.ts';
import { createApi } from './routes.ts';
import { NOW, type StubSession, StubSupervisor, taskId } from './testing/stub-supervisor.ts';
import { HELLO, SessionAgent, start } from './testing/session-agent.ts';
import { bearer, TOKENS, WAYS } from '../http/testing/transports.ts';

type Request = MessageInitShape<typeof SessionRequestSchema>;
type HelloInit = MessageInitShape<typeof HelloSchema>;
type EventsInit = MessageInitShape<typeof EventsSchema>;

describe.each(['in memory', 'Connect over HTTP/2', 'gRPC over HTTP/2'])('%s', (name) => {
  const stub = new StubSupervisor();
  const clock = new SimulatedClock();
  let server: TestServer | null = null;
  let transport: Transport;

  beforeAll(async () => {
    const token = makeNodeToken(TOKENS.agent, 'node-1');
    if (name === 'in memory') {
      transport = inMemory(stub, token, clock);
      return;
    }
    server = await startTestServer({ supervisor: stub, tokens: TOKENS, clock });
    transport = WAYS.find((way) => way.name === name)?.open(server.url, [
      bearer(token),
    ]) as Transport;
  });
  afterAll(async () => {
    const closing = server?.close(1_000);
    // Whatever is still there after a real moment has had its time.
    const timer = setTimeout(() => clock.advance(1_000), 500);
    await closing;
    clearTimeout(timer);
  });

  /** Resolves when the session is as wanted. */
  const when = (session: StubSession, isSo: () => boolean) =>
    new Promise<void>((resolve) => {
      const look = () => (isSo() ? resolve() : undefined);
      stub.onSession = look;
      look();
      void session;
    });

  const connect = async (hello: HelloInit = HELLO) => {
    const agent = new SessionAgent(transport);
    agent.send({ case: 'hello', value: hello });
    const welcome = await agent.next();
    const session = stub.open.at(-1) as StubSession;
    return { agent, welcome, session };
  };
  const over = async (agent: SessionAgent, session: StubSession) => {
    agent.end();
    await when(session, () => session.ended !== null);
  };

  it('answers Hello with Welcome, and begins after it', async () => {
    const { agent, welcome, session } = await connect();
    expect(welcome).toMatchObject({
      case: 'welcome',
      value: {
        protocolVersion: 1,
        epoch: 7n,
        heartbeatInterval: { seconds: 5n },
        deadAfter: { seconds: 15n },
        supervisorId: 'stub',
      },
    });
    expect(session.hello).toEqual({
      nodeId: 'node-1',
      bootId: 'boot-1',
      facts: { hostname: 'h', cores: 2, memoryBytes: '1024' },
      labels: { zone: 'a' },
      slots: 4,
      held: [{ taskId: taskId(3), attempt: 2, phase: 'executing' }],
      workers: [],
    });
    await when(session, () => session.isBegun);
    await over(agent, session);
  });

  it('hands events over in order, and acknowledges the highest', async () => {
    const { agent, session } = await connect();
    const at = timestampFromMs(NOW);
    const task = { taskId: taskId(1), attempt: 1 };
    const content = Uint8Array.of(0, 255);
    const exited = { ...task, exitCode: 3, stopCause: 'timeout', exitedAt: at, stdoutBytes: 2n };
    const events: EventsInit['events'] = [
      { event: { case: 'accepted', value: task } },
      { event: { case: 'started', value: { ...task, acceptedAt: at, startedAt: at } } },
      {
        event: {
          case: 'output',
          value: { ...task, stream: OutputStream.STDERR, offset: 9n, content, at },
        },
      },
      { event: { case: 'exited', value: exited } },
      { event: { case: 'lost', value: { ...task, why: 'gone' } } },
      { event: { case: 'worker', value: { slot: 1, state: WorkerState.BACKING_OFF } } },
    ];
    agent.send({ case: 'events', value: { seq: 1n, events } });
    const metrics = { load1: 0.5, memoryUsedBytes: 1n, memoryTotalBytes: 2n };
    agent.send({ case: 'heartbeat', value: { metrics } });
    agent.send({ case: 'events', value: { seq: 2n, events: [] } });
    await when(session, () => session.received.length === 2);
    expect(session.heard).toBe(1);
    expect(session.metrics).toMatchObject({ load1: 0.5, memoryUsed: 1, memoryTotal: 2 });
    expect(session.received.map(({ seq }) => seq)).toEqual([1, 2]);
    const taskOne = taskId(1);
    expect(session.received[0]?.events).toEqual([
      { kind: 'accepted', taskId: taskOne, attempt: 1 },
      {
        kind: 'report',
        taskId: taskOne,
        report: { type: 'attempt.started', attempt: 1, acceptedAt: NOW, startedAt: NOW },
      },
      {
        kind: 'output',
        piece: { ...task, stream: 'stderr', offset: 9, content: expect.anything(), at: NOW },
      },
      {
        kind: 'report',
        taskId: taskOne,
        report: {
          type: 'attempt.exited',
          attempt: 1,
          exitCode: 3,
          signal: null,
          stopCause: 'timeout',
          spawnError: null,
          acceptedAt: null,
          startedAt: null,
          exitedAt: NOW,
          stdoutBytes: 2,
          stderrBytes: 0,
          droppedBytes: 0,
        },
      },
      {
        kind: 'report',
        taskId: taskOne,
        report: { type: 'attempt.lost', attempt: 1, why: 'gone' },
      },
      { kind: 'worker', report: expect.objectContaining({ name: 'slot-1', state: 'backing_off' }) },
    ]);
    session.link.acknowledge(1);
    session.link.acknowledge(2);
    expect(await agent.next()).toMatchObject({ case: 'ack', value: { seq: 2n } });
    await over(agent, session);
  });

  it('sends commands with all they need', async () => {
    const { agent, session } = await connect();
    session.link.send([start]);
    session.link.send([
      { ...start, attempt: 2, leaseMs: null },
      { kind: 'stop', taskId: taskId(1), attempt: 1, cause: 'timeout' },
      { kind: 'forget', taskId: taskId(1), attempt: 1 },
    ]);
    session.link.heartbeat();
    const first = await agent.next();
    expect(first).toMatchObject({
      case: 'commands',
      value: {
        commands: [
          {
            command: {
              case: 'start',
              value: {
                taskId: taskId(1),
                attempt: 1,
                name: 'a task',
                timeout: { seconds: 90n, nanos: 500_000_000 },
                outputCapBytes: 16_777_216n,
                lease: { seconds: 60n },
                action: {
                  case: 'script',
                  value: {
                    program: { case: 'body', value: 'echo hello' },
                    interpreter: Interpreter.BASH,
                    env: { A: '1' },
                  },
                },
              },
            },
          },
          { command: { case: 'start', value: { attempt: 2 } } },
          { command: { case: 'stop', value: { cause: 'timeout' } } },
          { command: { case: 'forget', value: { attempt: 1 } } },
        ],
      },
    });
    if (first.case === 'commands') {
      expect(first.value.commands[1]?.command.value).not.toHaveProperty('lease');
    }
    expect((await agent.next()).case).toBe('heartbeat');
    await over(agent, session);
  });

  it('tells a leaving agent from one that is gone', async () => {
    const left = await connect();
    left.agent.send({ case: 'leave', value: {} });
    await when(left.session, () => left.session.ended !== null);
    expect(left.session.ended).toBe(true);
    expect((await left.agent.next()).case).toBeUndefined();
    left.agent.end();

    const gone = await connect();
    gone.agent.leaving.abort();
    await when(gone.session, () => gone.session.ended !== null);
    expect(gone.session.ended).toBe(false);

    const ended = await connect();
    ended.agent.end();
    await when(ended.session, () => ended.session.ended !== null);
    expect(ended.session.ended).toBe(false);
  });

  it('passes on why the supervisor closes', async () => {
    for (const [reason, expected] of [
      ['shutdown', GoodbyeReason.SHUTDOWN],
      ['replaced', GoodbyeReason.REPLACED],
      ['protocol_error', GoodbyeReason.PROTOCOL_ERROR],
    ] as const) {
      const { agent, session } = await connect();
      session.link.send([start]);
      session.link.close(reason, 'because');
      const last = await agent.next();
      expect(last).toMatchObject({
        case: 'goodbye',
        value: { reason: expected, message: 'because' },
      });
      expect((await agent.next()).case).toBeUndefined();
      await when(session, () => session.ended !== null);
      expect(session.ended).toBe(false);
      agent.end();
    }
  });

  it.each<[string, Request['message'], string]>([
    ['a gap', { case: 'events', value: { seq: 2n } }, 'events number 2; 1 comes next'],
    ['a second Hello', { case: 'hello', value: HELLO }, 'a second Hello'],
    [
      'an unknown stop cause',
      events({ case: 'exited', value: { taskId: taskId(1), stopCause: 'boredom' } }),
      'the stop cause boredom',
    ],
    [
      'output of no stream',
      events({ case: 'output', value: { taskId: taskId(1) } }),
      'output of no stream',
    ],
  ])('says goodbye after %s', async (_, message, why) => {
    const { agent, session } = await connect();
    agent.send(message);
    expect(await agent.next()).toMatchObject({
      case: 'goodbye',
      value: {
        reason: GoodbyeReason.PROTOCOL_ERROR,
        message: `Cannot hold the session: the agent sent ${why}`,
      },
    });
    await when(session, () => session.ended !== null);
    expect(session.received).toEqual([]);
    agent.end();
  });

  it('says goodbye after a message that breaks a constraint', async () => {
    const { agent } = await connect();
    agent.send(events({ case: 'accepted', value: { taskId: 'x', attempt: 1 } }));
    expect(await agent.next()).toMatchObject({
      case: 'goodbye',
      value: {
        reason: GoodbyeReason.PROTOCOL_ERROR,
        message:
          'Cannot hold the session: events.events[0].accepted.task_id is "x"; it must be a UUID',
      },
    });
    agent.end();
  });

  it('refuses an agent of another protocol version', async () => {
    const before = stub.open.length;
    const { agent, welcome } = await connect({ ...HELLO, protocolVersions: [9, 8] });
    expect(welcome).toMatchObject({
      case: 'goodbye',
      value: {
        reason: GoodbyeReason.VERSION,
        message:
          'Cannot hold the session: the agent speaks protocol version 9, 8, this supervisor 1; use the same release on both sides',
      },
    });
    expect(stub.open.length).toBe(before);
    agent.end();
  });

  it('refuses whatever comes before Hello, and silence', async () => {
    const first = new SessionAgent(transport);
    first.send({ case: 'heartbeat', value: {} });
    const error = (await first.next().catch((thrown: unknown) => thrown)) as ConnectError;
    expect([error.code, error.rawMessage]).toEqual([
      Code.InvalidArgument,
      'Cannot hold the session: the agent sent heartbeat before its Hello',
    ]);
    first.end();

    const silent = new SessionAgent(transport);
    const answer = silent.next().catch((thrown: unknown) => thrown);
    const settled = answer.then(() => true);
    // Its call is somewhere between the two ends; time passes until it has arrived and run out.
    while (!(await Promise.race([settled, soon().then(() => false)]))) clock.advance(10_000);
    expect(((await answer) as ConnectError).rawMessage).toBe(
      'Cannot hold the session: the agent sent no Hello within 10 s',
    );
    silent.end();
  });

  it('holds back an agent whose events are not committed, and does not blame it', async () => {
    const { agent, session } = await connect();
    const value = (seq: number): EventsInit => ({
      seq: BigInt(seq),
      events: Array.from({ length: 3 }, () => ({
        event: {
          case: 'output' as const,
          value: {
            taskId: taskId(1),
            attempt: 1,
            stream: OutputStream.STDOUT,
            content: new Uint8Array(2 ** 20),
          },
        },
      })),
    });
    for (let seq = 1; seq <= 20; seq += 1) agent.send({ case: 'events', value: value(seq) });
    // 11 × 3 MiB is the first sum over 32 MiB.
    await when(session, () => session.received.length >= 11);
    await soon();
    expect(session.received.length).toBe(11);
    const heard = session.heard;
    session.link.heartbeat();
    expect(session.heard).toBe(heard + 1);
    session.link.acknowledge(11);
    await when(session, () => session.received.length === 20);
    await over(agent, session);
  });
});

function events(
  event: NonNullable<Events['events'][number]['event']> | object,
): Request['message'] {
  return { case: 'events', value: { seq: 1n, events: [{ event: event as never }] } };
}

function inMemory(stub: StubSupervisor, token: string, clock: Clock): Transport {
  const api = createApi({
    supervisor: stub,
    tokens: TOKENS,
    clock,
    log: silentLogger,
    stopping: new AbortController().signal,
  });
  return createRouterTransport(api.routes, {
    router: api.options,
    transport: { interceptors: [bearer(token)] },
  });
}

/** Lets everything that is ready happen. */
function soon(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}
