// The session against a supervisor in memory and a clock that stands still: waits, refusals, silence.

import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, createClient, createRouterTransport } from '@connectrpc/connect';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  AgentService,
  GoodbyeReason,
  type SessionRequest,
  type SessionResponse,
} from '../proto/gen/muster/v1/agent_service_pb.ts';
import { NodeFactsSchema } from '../proto/gen/muster/v1/node_pb.ts';
import { SimulatedClock } from '../src/process/clock.ts';
import { createLogger } from '../src/process/log.ts';
import { Enrolment } from './enrolment.ts';
import { Journal } from './journal.ts';
import { HostMeter } from './host-metrics.ts';
import { Lease } from './lease.ts';
import { Reporter } from './reporter.ts';
import { Session } from './session.ts';
import { SupervisorSession } from './testing/supervisor-session.ts';

const AGENT_TOKEN = 'agent-token-of-this-test';

let folder: string;
let clock: SimulatedClock;
let journal: Journal;
let meter: HostMeter;
let session: Session;
let lines: string[];
let connections: { isOpen: boolean }[];
let opened: SupervisorSession[];
let enrolments: number;
/** What a session meets: a Welcome, nothing at all, or a refusal. */
let answer: 'welcome' | 'silence' | Code;
let isAgentTokenGood: boolean;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-session-'));
  clock = new SimulatedClock();
  journal = Journal.open(join(folder, 'journal.db'));
  meter = new HostMeter(folder);
  lines = [];
  connections = [];
  opened = [];
  enrolments = 0;
  answer = 'welcome';
  isAgentTokenGood = true;
  session = makeSession(AGENT_TOKEN);
});

afterEach(async () => {
  await session.stop();
  journal.close();
  rmSync(folder, { recursive: true });
});

function makeSession(agentToken: string | null): Session {
  return new Session({
    nodeId: 'web-1',
    bootId: 'boot',
    facts: create(NodeFactsSchema),
    labels: { role: 'web' },
    slots: 2,
    connect: () => {
      const connection = { isOpen: true };
      connections.push(connection);
      const client = createClient(AgentService, transport());
      const { promise: closed, resolve } = Promise.withResolvers<void>();
      const close = () => {
        connection.isOpen = false;
        resolve();
      };
      return { client, closed, close };
    },
    enrolment: new Enrolment({ nodeId: 'web-1', agentToken, path: join(folder, 'node.token') }),
    reporter: new Reporter({ journal, clock }),
    lease: new Lease(journal, clock),
    clock,
    random: () => 0.5,
    log: createLogger('web-1', 'debug', (line) => lines.push(line)),
    workers: () => [],
    measure: () => meter.measure(),
    onCommands: () => {},
    onOnline: () => {},
  });
}

function transport() {
  return createRouterTransport(({ service }) => {
    service(AgentService, {
      enroll(_, context) {
        enrolments += 1;
        const given = context.requestHeader.get('authorization');
        if (!isAgentTokenGood || given !== `Bearer ${AGENT_TOKEN}`) {
          throw new ConnectError('no', Code.Unauthenticated);
        }
        return { nodeToken: `node-token-number-${enrolments}` };
      },
      session: (requests) => hold(requests),
    });
  });
}

async function* hold(requests: AsyncIterable<SessionRequest>): AsyncIterable<SessionResponse> {
  const messages = requests[Symbol.asyncIterator]();
  const { value } = await messages.next();
  if (answer !== 'welcome' && answer !== 'silence') throw new ConnectError('no', answer);
  const held = new SupervisorSession(value.message.value, opened.length + 1);
  opened.push(held);
  if (answer === 'welcome') {
    const heartbeatInterval = durationFromMs(5_000);
    const deadAfter = durationFromMs(15_000);
    held.send({
      case: 'welcome',
      value: { protocolVersion: 1, epoch: BigInt(held.epoch), heartbeatInterval, deadAfter },
    });
  }
  void (async () => {
    for (let next = await messages.next(); !next.done; next = await messages.next()) {
      held.requests.push(next.value);
    }
    held.end();
  })().catch(() => held.end());
  yield* held.responses();
}

/** Waits for a state of the session; only the simulated clock stands still. */
async function reached(state: string): Promise<void> {
  await expect.poll(() => session.actor.getSnapshot().value, { interval: 2 }).toBe(state);
}

describe('Session', () => {
  it('enrols once, keeps the token for its user alone, and never writes one to the log', async () => {
    session.start();
    await reached('online');
    expect(readFileSync(join(folder, 'node.token'), 'utf8')).toBe('node-token-number-1\n');
    expect(statSync(join(folder, 'node.token')).mode & 0o777).toBe(0o600);
    await session.stop();
    session = makeSession(AGENT_TOKEN);
    session.start();
    await reached('online');
    expect(enrolments).toBe(1);
    expect(opened[0]?.hello).toMatchObject({ nodeId: 'web-1', labels: { role: 'web' }, slots: 2 });
    expect(lines.join('\n')).not.toMatch(/token-/);
  });

  it('waits before it tries again, longer each time, on a new connection', async () => {
    answer = Code.Unavailable;
    session.start();
    for (const waitMs of [100, 200, 400, 800]) {
      await reached('backing_off');
      expect(session.actor.getSnapshot().context.waitMs).toBe(waitMs);
      clock.advance(waitMs - 1);
      expect(session.actor.getSnapshot().value).toBe('backing_off');
      if (waitMs === 800) answer = 'welcome';
      clock.advance(1);
    }
    await reached('online');
    expect(connections.map(({ isOpen }) => isOpen)).toEqual([false, false, false, false, true]);
  });

  it('gives up on a supervisor that sends no Welcome', async () => {
    answer = 'silence';
    session.start();
    await expect.poll(() => opened.length).toBe(1);
    clock.advance(10_000);
    await reached('backing_off');
    expect(session.actor.getSnapshot().context.why).toMatch(
      /no Welcome from the supervisor for 10 s/,
    );
  });

  it('gives up on a supervisor that falls silent', async () => {
    session.start();
    await reached('online');
    clock.advance(14_000);
    opened[0]?.send({ case: 'heartbeat', value: {} });
    await expect.poll(() => journal.readHeardAt()).toBe(clock.now());
    clock.advance(14_000);
    expect(session.actor.getSnapshot().value).toBe('online');
    clock.advance(1_000);
    await reached('backing_off');
    expect(session.actor.getSnapshot().context.why).toMatch(/nothing from the supervisor for 15 s/);
    expect(connections[0]?.isOpen).toBe(false);
  });

  it('beats as often as the supervisor has asked', async () => {
    session.start();
    await reached('online');
    for (let beat = 1; beat <= 3; beat += 1) {
      opened[0]?.send({ case: 'heartbeat', value: {} });
      clock.advance(5_000);
      await expect.poll(() => opened[0]?.count('heartbeat')).toBe(beat);
    }
  });

  it.each([
    ['REPLACED', GoodbyeReason.REPLACED, 10_000],
    ['VERSION', GoodbyeReason.VERSION, 10_000],
    ['SHUTDOWN', GoodbyeReason.SHUTDOWN, 100],
    ['PROTOCOL_ERROR', GoodbyeReason.PROTOCOL_ERROR, 100],
  ])('waits as it should after Goodbye %s', async (_, reason, waitMs) => {
    session.start();
    await reached('online');
    opened[0]?.send({ case: 'goodbye', value: { reason, message: 'so it is' } });
    await reached('backing_off');
    expect(session.actor.getSnapshot().context).toMatchObject({ waitMs, why: 'so it is' });
  });

  it('enrols anew when its token is refused, once per try', async () => {
    writeFileSync(join(folder, 'node.token'), 'an-old-token-of-this-node\n', { mode: 0o600 });
    answer = Code.Unauthenticated;
    session.start();
    await reached('backing_off');
    expect(enrolments).toBe(1);
  });

  it('stays away for long when the agent token is refused, and says what would do', async () => {
    isAgentTokenGood = false;
    session.start();
    await reached('backing_off');
    expect(session.actor.getSnapshot().context.waitMs).toBe(10_000);
    expect(lines.join('\n')).toMatch(
      /error web-1 Cannot enrol node web-1: .*use the one from its data folder/,
    );
  });

  it('keeps a refused token when there is nothing to get another with', async () => {
    writeFileSync(join(folder, 'node.token'), 'an-old-token-of-this-node\n', { mode: 0o600 });
    answer = Code.Unauthenticated;
    session = makeSession(null);
    session.start();
    await reached('backing_off');
    expect(session.actor.getSnapshot().context.waitMs).toBe(10_000);
    expect(readFileSync(join(folder, 'node.token'), 'utf8')).toBe('an-old-token-of-this-node\n');
  });

  it('takes leave when it is stopped, and does not come back', async () => {
    session.start();
    await reached('online');
    await session.stop();
    expect(opened[0]?.count('leave')).toBe(1);
    clock.advance(100_000);
    await reached('stopped');
    expect(connections).toEqual([{ isOpen: false }]);
  });
});
