// The queue to one agent: what gathers while it is slow, and where that ends.

import { expect, it } from 'vitest';
import type { Command, SessionResponse } from '../../proto/gen/muster/v1/agent_service_pb.ts';
import { createLogger, silentLogger } from '../process/log.ts';
import type { AgentCommand } from '../supervisor/supervisor.ts';
import { SessionLink } from './session-link.ts';
import { taskId } from './testing/stub-supervisor.ts';

const noHooks = { onAcknowledged() {}, onHeartbeat() {}, onClosed() {} };
const forget = (attempt: number): AgentCommand => ({ kind: 'forget', taskId: taskId(1), attempt });
const start = (bytes: number): AgentCommand => ({
  kind: 'start',
  taskId: taskId(1),
  attempt: 1,
  name: '',
  timeoutMs: 1_000,
  stopGraceMs: 0,
  outputCapBytes: 0,
  leaseMs: null,
  spec: { script: { body: 'x'.repeat(bytes) } },
});

function commandsOf(response: SessionResponse | null | undefined): readonly Command[] {
  const message = response?.message;
  return message?.case === 'commands' ? message.value.commands : [];
}

async function collect(link: SessionLink): Promise<SessionResponse['message'][]> {
  const all: SessionResponse['message'][] = [];
  for (let next = await link.next(); next !== null; next = await link.next())
    all.push(next.message);
  return all;
}

it('puts commands that wait into one message, and keeps the highest acknowledgement', async () => {
  const link = new SessionLink(silentLogger, noHooks);
  for (let attempt = 1; attempt <= 1_000; attempt += 1) {
    link.send([forget(attempt)]);
    link.acknowledge(attempt);
    link.heartbeat();
  }
  const taken = [await link.next(), await link.next(), await link.next()];
  expect(taken.map((next) => next?.message.case)).toEqual(['ack', 'commands', 'heartbeat']);
  expect(taken[0]).toMatchObject({ message: { value: { seq: 1_000n } } });
  expect(commandsOf(taken[1])).toHaveLength(1_000);
});

it('lets commands and acknowledgements take turns', async () => {
  const link = new SessionLink(silentLogger, noHooks);
  const seen: unknown[] = [];
  for (let round = 1; round <= 4; round += 1) {
    link.acknowledge(round);
    link.send([start(2 ** 20), start(2 ** 20)]);
    seen.push((await link.next())?.message.case);
  }
  expect(seen).toEqual(['ack', 'commands', 'ack', 'commands']);
});

it('splits commands that would make a message too large', async () => {
  const link = new SessionLink(silentLogger, noHooks);
  link.send([start(700_000), start(700_000), start(2_000_000), forget(1), forget(2)]);
  const sizes: number[] = [];
  for (let sum = 0; sum < 5; sum += sizes.at(-1) ?? 0) {
    sizes.push(commandsOf(await link.next()).length);
  }
  expect(sizes).toEqual([1, 1, 1, 2]);
});

it('gives up an agent that does not read: too many commands', async () => {
  let closed = 0;
  const link = new SessionLink(silentLogger, { ...noHooks, onClosed: () => (closed += 1) });
  const thousand = Array.from({ length: 1_000 }, (_, attempt) => forget(attempt));
  for (let count = 0; count < 101; count += 1) link.send(thousand);
  link.send([forget(1)]);
  expect(closed).toBe(1);
  expect(await collect(link)).toMatchObject([
    {
      case: 'goodbye',
      value: { message: 'Cannot hold the session: the agent does not read' },
    },
  ]);
});

it('gives up an agent that does not read: too many bytes', async () => {
  const link = new SessionLink(silentLogger, noHooks);
  for (let count = 0; count < 65; count += 1) link.send([start(2 ** 20)]);
  expect((await collect(link)).map((message) => message.case)).toEqual(['goodbye']);
});

it('does not let a command that cannot be written cost the others', async () => {
  const lines: string[] = [];
  const link = new SessionLink(
    createLogger('test', 'info', (line) => lines.push(line)),
    noHooks,
  );
  link.send([{ ...start(1), spec: { script: { body: 7 } } } as AgentCommand, forget(1)]);
  expect(commandsOf(await link.next())).toHaveLength(1);
  expect(lines[0]).toContain('a command cannot be written');
});

it('says one goodbye, and nothing after it', async () => {
  const link = new SessionLink(silentLogger, noHooks);
  link.close('replaced', 'first');
  link.close('shutdown', 'second');
  link.send([forget(1)]);
  link.acknowledge(4);
  link.heartbeat();
  expect(await collect(link)).toMatchObject([{ case: 'goodbye', value: { message: 'first' } }]);
});
