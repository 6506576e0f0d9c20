// An agent that dies by kill -9 and comes back, with real processes: nothing is started twice, nothing is lost, output has no gap.

import { create } from '@bufbuild/protobuf';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HeldPhase, StartAttemptSchema } from '../proto/gen/muster/v1/agent_service_pb.ts';
import { policyOf } from './attempt-policy.ts';
import { nameOf } from './attempt-record.ts';
import { listGroup } from './executors/process-table.ts';
import { bootIdOf } from './facts.ts';
import { Journal } from './journal.ts';
import { keyOf, type StartInit, startOf } from './testing/starts.ts';
import { TestSupervisor } from './testing/supervisor.ts';
import { TestAgent } from './testing/test-agent.ts';

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
  agent.spawn(...flags);
  await supervisor.online(before + 1);
}

/** A script that says it runs, into a file, and then waits for another file. */
function waitingScript(after = ''): { start: StartInit; ran: string; go: string } {
  const ran = join(agent.folder, 'ran');
  const go = join(agent.folder, 'go');
  const body = `echo "$MUSTER_ATTEMPT" >> ${ran}; echo up; until [ -e ${go} ]; do sleep 0.02; done; ${after}`;
  return { start: startOf(body), ran, go };
}

async function printed(start: StartInit, text: string): Promise<void> {
  await supervisor.until(() => supervisor.of(start).stdout.includes(text), text);
}

/** Changes the journal of an agent that does not run. */
function withJournal(change: (journal: Journal) => void): void {
  const journal = Journal.open(join(agent.folder, 'journal.db'));
  change(journal);
  journal.close();
}

describe('an agent that was killed', () => {
  it('finds its process again and reports output and exit code without gap (I2, I5)', async () => {
    await startAgent();
    const { start, ran, go } = waitingScript('seq 1 200000; exit 9');
    supervisor.start(start);
    await printed(start, 'up\n');
    await agent.stop('SIGKILL');
    await writeFile(go, '');
    await startAgent();
    expect(supervisor.session.hello.held).toMatchObject([keyOf(start)]);
    const attempt = await supervisor.over(start);
    const lines = Array.from({ length: 200_000 }, (_, i) => `${i + 1}\n`).join('');
    expect(attempt.stdout.toString() === `up\n${lines}`).toBe(true);
    expect(attempt.gaps).toEqual([]);
    expect(attempt.exited[0]).toMatchObject({ exitCode: 9, signal: '', stopCause: '' });
    expect(await readFile(ran, 'utf8')).toBe('1\n');
  });

  it('reports what ended while no agent was there', async () => {
    await startAgent();
    const { start, go } = waitingScript('echo done; exit 4');
    supervisor.start(start);
    await printed(start, 'up\n');
    const [pid = 0] = agent.shims();
    await agent.stop('SIGKILL');
    await writeFile(go, '');
    await expect.poll(() => listGroup(pid), { timeout: 10_000 }).toEqual([]);
    await startAgent();
    const attempt = await supervisor.over(start);
    expect(attempt.stdout.toString()).toBe('up\ndone\n');
    expect(attempt.exited[0]).toMatchObject({ exitCode: 4, stdoutBytes: 8n });
  });

  it('does not start an attempt again, however often it is told to (I2)', async () => {
    await startAgent();
    const { start, ran, go } = waitingScript();
    supervisor.start(start);
    await printed(start, 'up\n');
    supervisor.start(start);
    supervisor.send({ case: 'start', value: start }, { case: 'start', value: start });
    await supervisor.until(() => supervisor.of(start).started.length > 1, 'the answer');
    await agent.stop('SIGKILL');
    await startAgent();
    supervisor.start(start);
    await writeFile(go, '');
    await supervisor.over(start);
    supervisor.start(start);
    await supervisor.until(() => supervisor.of(start).exited.length > 1, 'the end once more');
    supervisor.forget(keyOf(start));
    supervisor.start(start);
    await supervisor.until(() => supervisor.of(start).lost.length > 0, 'the refusal');
    await agent.stop('SIGKILL');
    await startAgent();
    expect(supervisor.session.hello.held).toEqual([]);
    supervisor.start(start);
    await supervisor.until(
      () => supervisor.of(start).lost.length > 1,
      'the refusal after a restart',
    );
    expect(await readFile(ran, 'utf8')).toBe('1\n');
  });

  it('starts what was still in its queue, once (I2)', async () => {
    await startAgent('--slots', '1');
    const { start, go } = waitingScript();
    const ran = join(agent.folder, 'queued');
    const queued = startOf(`echo ran >> ${ran}`);
    supervisor.start(start);
    await printed(start, 'up\n');
    supervisor.start(queued);
    await supervisor.until(() => supervisor.of(queued).accepted > 0, 'it to be accepted');
    await agent.stop('SIGKILL');
    await startAgent('--slots', '1');
    const phases = new Map(supervisor.session.hello.held.map((held) => [held.taskId, held.phase]));
    expect(phases.get(queued.taskId)).toBe(HeldPhase.ACCEPTED);
    expect(phases.get(start.taskId)).toBe(HeldPhase.EXECUTING);
    expect(existsSync(ran)).toBe(false);
    await writeFile(go, '');
    expect((await supervisor.over(queued)).exited[0]?.exitCode).toBe(0);
    expect(await readFile(ran, 'utf8')).toBe('ran\n');
  });

  it('reports an attempt lost when it died between the intent and the process (I2)', async () => {
    const start = startOf(`echo ran >> ${join(agent.folder, 'ran')}`);
    withJournal((journal) => {
      const message = create(StartAttemptSchema, start);
      const record = journal.accept(message, policyOf(message), bootIdOf(journal.id), Date.now());
      journal.markSpawning(record);
    });
    await startAgent();
    const attempt = await supervisor.over(start);
    expect(attempt.lost).toMatchObject([{ why: expect.stringContaining('it never began') }]);
    // A shim that comes this late gives up.
    expect(existsSync(join(agent.folder, 'attempts', nameOf(start), 'record'))).toBe(true);
    expect(existsSync(join(agent.folder, 'ran'))).toBe(false);
  });

  it('reports everything of another boot of the host lost, and starts none of it (I2)', async () => {
    const starts = [startOf('exit 0'), startOf('exit 0')];
    withJournal((journal) => {
      for (const [index, start] of starts.entries()) {
        const message = create(StartAttemptSchema, start);
        const record = journal.accept(message, policyOf(message), 'another boot', Date.now());
        if (index === 0) journal.markSpawning(record);
      }
    });
    await startAgent();
    for (const start of starts) {
      const { lost, started } = await supervisor.over(start);
      expect(lost).toMatchObject([{ why: expect.stringContaining('host was started again') }]);
      expect(started).toEqual([]);
    }
  });

  it('goes on with a stop that was under way (I9)', async () => {
    await startAgent();
    const body = 'trap "" TERM; echo up; while :; do sleep 1000; done';
    const start = startOf(body, {}, { stopGraceMs: 1_500 });
    supervisor.start(start);
    await printed(start, 'up');
    supervisor.stop(keyOf(start), 'cancel');
    await expect
      .poll(() => {
        let cause: string | null | undefined = null;
        withJournal((journal) => (cause = journal.readHeld()[0]?.stopCause));
        return cause;
      })
      .toBe('cancel');
    await agent.stop('SIGKILL');
    await startAgent();
    const attempt = await supervisor.over(start);
    expect(attempt.exited[0]).toMatchObject({
      stopCause: 'cancel',
      signal: 'SIGKILL',
      exitCode: 137,
    });
  });

  it('enforces a deadline that passed while it was dead (I9)', async () => {
    await startAgent();
    const start = startOf('echo up; exec sleep 1000', {}, { timeoutMs: 1_000 });
    supervisor.start(start);
    await printed(start, 'up');
    await agent.stop('SIGKILL');
    await startAgent();
    expect((await supervisor.over(start)).exited[0]).toMatchObject({ stopCause: 'timeout' });
  });
});

describe('an agent that is asked to end', () => {
  it('takes leave, ends with code 0 and leaves its processes alone', async () => {
    await startAgent();
    const { start, go } = waitingScript('exit 6');
    supervisor.start(start);
    await printed(start, 'up\n');
    const { session } = supervisor;
    expect(await agent.stop('SIGTERM')).toBe(0);
    await supervisor.until(() => session.count('leave') === 1, 'the leave');
    expect(supervisor.of(start).isOver).toBe(false);
    await startAgent();
    await writeFile(go, '');
    expect((await supervisor.over(start)).exited[0]?.exitCode).toBe(6);
  });

  it('ends by itself while it has no supervisor', async () => {
    await supervisor.die();
    const child = agent.spawn();
    await new Promise((resolve) => child.stderr?.once('data', resolve));
    expect(await agent.stop('SIGINT')).toBe(0);
  });
});

describe('a second agent on the same folder', () => {
  it('is refused in one sentence with exit code 1, and the first works on', async () => {
    await startAgent();
    const second = await TestAgent.create(supervisor);
    const child = second.spawn('--data', agent.folder);
    const words: string[] = [];
    child.stderr?.on('data', (bytes: Buffer) => words.push(bytes.toString()));
    await new Promise((resolve) => child.once('close', resolve));
    expect(child.exitCode).toBe(1);
    expect(words.join('')).toMatch(/^Cannot use .*: the process with pid \d+ is using it .*\n$/);
    const start = startOf('exit 0');
    supervisor.start(start);
    expect((await supervisor.over(start)).exited[0]?.exitCode).toBe(0);
    await second.dispose();
  });
});

describe('a damaged journal', () => {
  it('is said in one sentence with exit code 1, and is not touched', async () => {
    const path = join(agent.folder, 'journal.db');
    await writeFile(path, 'no database at all '.repeat(1000));
    const child = agent.spawn();
    const words: string[] = [];
    child.stderr?.on('data', (bytes: Buffer) => words.push(bytes.toString()));
    await new Promise((resolve) => child.once('close', resolve));
    expect(child.exitCode).toBe(1);
    expect(words.join('')).toMatch(
      /^Cannot use the journal .*file is not a database\. Nothing was deleted/,
    );
    expect(await readFile(path, 'utf8')).toBe('no database at all '.repeat(1000));
  });
});
