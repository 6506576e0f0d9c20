// Calls of handlers on a real agent, through a real stream: stops, deadlines, progress, what a broken connection and a death do.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ReportedAttempt } from './testing/reported-attempt.ts';
import { keyOf, type StartInit, startCall, startOf } from './testing/starts.ts';
import { TestSupervisor } from './testing/supervisor.ts';
import { TestAgent } from './testing/test-agent.ts';

const MODULE = fileURLToPath(new URL('./testing/handlers-module.ts', import.meta.url));

let supervisor: TestSupervisor;
let agent: TestAgent;

beforeEach(async () => {
  supervisor = await TestSupervisor.start();
  agent = await TestAgent.create(supervisor);
});

afterEach(async () => {
  await agent.dispose();
  await supervisor.die();
});

async function startAgent(...flags: string[]): Promise<void> {
  const before = supervisor.sessions.length;
  agent.spawn('--handlers', MODULE, ...flags);
  await supervisor.online(before + 1);
}

async function run(start: StartInit): Promise<ReportedAttempt> {
  supervisor.start(start);
  return await supervisor.over(start);
}

async function printed(start: StartInit, text: string): Promise<void> {
  await supervisor.until(() => supervisor.of(start).stdout.includes(text), text);
}

it('says in its Hello which handlers it has, and calls them', async () => {
  await startAgent();
  expect(supervisor.session.hello.facts?.handlers).toContain('echo');
  const attempt = await run(startCall('steps', { count: 3 }));
  expect(attempt.result.toString()).toBe('"done"');
  expect(attempt.stdout.toString()).toMatch(/^attempt 1 of /);
  expect(attempt.exited[0]).toMatchObject({ exitCode: 0, stopCause: '', failure: '' });
});

it('tells how far a call is while it runs', async () => {
  await startAgent();
  const start = startCall('report', 0.25);
  supervisor.start(start);
  await supervisor.until(() => supervisor.of(start).progress.length > 0, 'its progress');
  const told = { fraction: 0.25, message: 'a quarter' };
  expect(supervisor.of(start).progress).toMatchObject([told]);
  supervisor.stop(keyOf(start));
  await supervisor.over(start);
});

it('carries out scripts beside them, and many calls in few threads', async () => {
  await startAgent('--slots', '8');
  const starts = Array.from({ length: 200 }, (_, index) => startCall('echo', index));
  supervisor.start(startOf('echo script'));
  for (const start of starts) supervisor.start(start);
  const attempts = await Promise.all(starts.map((start) => supervisor.over(start)));
  expect(attempts.map(({ result }) => Number(result))).toEqual(starts.map((_, index) => index));
});

it('ends a handler that loops for ever at its deadline (I9)', async () => {
  await startAgent();
  const attempt = await run(startCall('loop', null, { timeoutMs: 500, stopGraceMs: 100 }));
  expect(attempt.exited[0]).toMatchObject({ signal: 'SIGKILL', stopCause: 'timeout' });
  expect(attempt.stdout.toString()).toBe('round and round\n');
});

it('cancels a handler through its signal', async () => {
  await startAgent();
  const start = startCall('untilAborted');
  supervisor.start(start);
  await printed(start, 'waiting');
  supervisor.stop(keyOf(start));
  const attempt = await supervisor.over(start);
  expect(attempt.exited[0]).toMatchObject({ exitCode: 1, stopCause: 'cancel' });
});

it('lets the worker back off whose thread has died, and goes on', async () => {
  await startAgent('--slots', '1');
  const dead = await run(startCall('exit', 7));
  expect(dead.exited[0]?.failure).toContain('code 7');
  await supervisor.until(() => supervisor.session.workers.length > 0, 'a worker that backs off');
  const attempt = await run(startCall('echo', 'again'));
  expect(attempt.result.toString()).toBe('"again"');
});

it('sends what is not acknowledged again after the connection broke, without gap (I5)', async () => {
  await startAgent();
  supervisor.isAcknowledging = false;
  const start = startCall('flood', { lines: 20_000 });
  supervisor.start(start);
  await printed(start, 'x');
  supervisor.session.end();
  supervisor.isAcknowledging = true;
  await supervisor.online(2);
  const attempt = await supervisor.over(start);
  expect(attempt.stdout.length).toBe(2_000_000);
  expect(attempt.gaps).toEqual([]);
});

it('reports a call lost that the death of the agent ended, and never calls it again (I2)', async () => {
  await startAgent();
  const start = startCall('mark', { file: join(agent.folder, 'marks') });
  supervisor.start(start);
  await printed(start, 'marked');
  await agent.stop('SIGKILL');
  await startAgent();
  const attempt = await supervisor.over(start);
  expect(attempt.lost[0]?.why).toBe(
    'the agent that had called the handler has ended, and the call with it',
  );
  supervisor.start(start);
  await supervisor.until(() => supervisor.of(start).lost.length > 1, 'the answer');
  expect(await readFile(join(agent.folder, 'marks'), 'utf8')).toBe('called\n');
});

it('reports a call lost whose result died with the agent (I5)', async () => {
  await startAgent();
  supervisor.isAcknowledging = false;
  const start = startCall('echo', 'precious');
  await run(start);
  await agent.stop('SIGKILL');
  supervisor.isAcknowledging = true;
  await startAgent();
  await supervisor.until(() => supervisor.of(start).lost.length > 0, 'the loss');
  expect(supervisor.of(start).lost[0]?.why).toContain('before the supervisor had the output');
});

it('does not start with a module that cannot be loaded', async () => {
  const child = agent.spawn('--handlers', fileURLToPath(import.meta.url));
  const said: Buffer[] = [];
  child.stderr?.on('data', (bytes: Buffer) => said.push(bytes));
  await expect.poll(() => child.exitCode, { timeout: 20_000 }).toBe(1);
  const text = Buffer.concat(said).toString();
  expect(text).toContain(
    `Cannot start the agent: the handlers module ${fileURLToPath(import.meta.url)}`,
  );
});
