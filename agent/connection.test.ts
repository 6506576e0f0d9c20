// The agent's session over a real HTTP/2 connection that breaks in every way: nothing is lost, nothing is told twice for good.

import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GoodbyeReason, HeldPhase } from '../proto/gen/muster/v1/agent_service_pb.ts';
import { keyOf, startOf } from './testing/starts.ts';
import { goodbye, TestSupervisor } from './testing/supervisor.ts';
import { TestAgent } from './testing/test-agent.ts';

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

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

async function startAgent(): Promise<void> {
  agent.start();
  await supervisor.online();
}

describe('a session', () => {
  it('begins with who the agent is', async () => {
    await startAgent();
    const { hello } = supervisor.session;
    expect(hello).toMatchObject({ nodeId: 'web-1', protocolVersions: [1], slots: 4, held: [] });
    expect(hello.bootId).toMatch(/^[0-9a-f]{64}$/);
    expect(hello.facts).toMatchObject({ os: process.platform, arch: process.arch });
    expect(hello.facts!.runtime).toBe('Deno' in globalThis ? 'deno' : 'node');
  });

  it('has the same boot id after a restart of the agent, and another with another journal', async () => {
    await startAgent();
    await agent.stop();
    agent.start();
    await supervisor.online(2);
    const other = await TestAgent.create(supervisor);
    other.start();
    await supervisor.online(3);
    const [first, second, third] = supervisor.sessions.map(({ hello }) => hello.bootId);
    expect(second).toBe(first);
    expect(third).not.toBe(first);
    await other.dispose();
  });

  it('beats, and counts its messages from 1 without a gap', async () => {
    supervisor.heartbeatIntervalMs = 50;
    await startAgent();
    for (let i = 0; i < 3; i += 1) {
      const start = startOf('echo x');
      supervisor.start(start);
      await supervisor.over(start);
    }
    await supervisor.until(() => supervisor.session.count('heartbeat') >= 3, 'heartbeats');
    const beats = supervisor.session.requests.flatMap(({ message }) =>
      message.case === 'heartbeat' ? [message.value.metrics] : [],
    );
    expect(beats).not.toContain(undefined);
    expect(Number(beats[0]?.memoryTotalBytes)).toBe(totalmem());
    const { seqs } = supervisor.session;
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  });

  it('tells what is not acknowledged again in the next one, from the acknowledged offset (I5)', async () => {
    await startAgent();
    const start = startOf('seq 1 300000; echo up; read line; exit 3', { stdin: '' });
    supervisor.start(start);
    await supervisor.over(start);
    const before = supervisor.of(start).stdout;
    supervisor.isAcknowledging = false;
    const next = startOf('seq 1 300000; exit 5');
    supervisor.start(next);
    await supervisor.over(next);
    await supervisor.die();
    supervisor.isAcknowledging = true;
    await supervisor.listen();
    await supervisor.online(2);
    expect(supervisor.session.hello.held).toMatchObject([
      { ...keyOf(start), phase: HeldPhase.ENDED },
      { ...keyOf(next), phase: HeldPhase.ENDED },
    ]);
    await supervisor.until(() => supervisor.of(next).exited.length > 1, 'the end once more');
    await supervisor.until(() => supervisor.of(start).exited.length > 1, 'the end once more');
    expect(supervisor.of(start).repeatedBytes).toBe(0);
    expect(supervisor.of(start).stdout.equals(before)).toBe(true);
    expect(supervisor.of(next).repeatedBytes).toBe(supervisor.of(next).stdout.length);
    expect(supervisor.of(next).gaps).toEqual([]);
    expect(supervisor.of(next).exited[1]).toMatchObject({ exitCode: 5 });
  });

  it('holds output back when nothing is acknowledged, but not the ends of others', async () => {
    await startAgent();
    supervisor.isAcknowledging = false;
    const big = startOf('head -c 20000000 /dev/zero');
    supervisor.start(big);
    await supervisor.until(() => supervisor.of(big).stdout.length >= 4 * 2 ** 20, 'the window');
    const quiet = startOf('exit 1');
    supervisor.start(quiet);
    await supervisor.over(quiet);
    expect(supervisor.of(big).stdout.length).toBeLessThan(5 * 2 ** 20);
    expect(supervisor.of(big).isOver).toBe(false);
    supervisor.isAcknowledging = true;
    supervisor.session.acknowledge(supervisor.session.seqs.at(-1) ?? 0);
    await supervisor.over(big);
    // The cap is 16 MiB.
    expect(supervisor.of(big).stdout.length).toBe(16 * 2 ** 20);
    expect(supervisor.of(big).gaps).toEqual([]);
  });

  it('is given up when the supervisor is silent, and opened anew', async () => {
    supervisor.isAlive = false;
    supervisor.deadAfterMs = 300;
    await startAgent();
    supervisor.isAlive = true;
    supervisor.heartbeatIntervalMs = 50;
    await supervisor.online(2);
    const start = startOf('exit 0');
    supervisor.start(start);
    await supervisor.over(start);
  });

  it('goes on with the scripts that ran while there was none', async () => {
    await startAgent();
    const start = startOf('for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.1; done');
    supervisor.start(start);
    await supervisor.until(() => supervisor.of(start).stdout.length > 0, 'the first line');
    for (let round = 2; round < 5; round += 1) {
      await supervisor.die();
      await supervisor.listen();
      await supervisor.online(round);
    }
    const attempt = await supervisor.over(start);
    expect(attempt.stdout.toString()).toBe('1\n2\n3\n4\n5\n6\n7\n8\n');
    expect(attempt.gaps).toEqual([]);
  });
});

describe.runIf(hasOpenssl)('over TLS', () => {
  it('trusts the given authority, and nobody without it', async () => {
    const file = (name: string) => join(agent.folder, name);
    const subject = ['-subj', '/CN=muster', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const make = ['req', '-x509', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
    const files = ['-keyout', file('key.pem'), '-out', file('cert.pem'), '-days', '2'];
    execFileSync('openssl', [...make, ...subject, ...files], { stdio: 'ignore' });
    const cert = readFileSync(file('cert.pem'), 'utf8');
    const secure = await TestSupervisor.start({ cert, key: readFileSync(file('key.pem'), 'utf8') });
    const [trusting, careful] = [await TestAgent.create(secure), await TestAgent.create(secure)];
    careful.start();
    trusting.start(4, { MUSTER_CA_FILE: file('cert.pem') });
    await secure.online();
    const start = startOf('echo secret');
    secure.start(start);
    expect((await secure.over(start)).stdout.toString()).toBe('secret\n');
    expect(secure.sessions).toHaveLength(1);
    await trusting.dispose();
    await careful.dispose();
    await secure.die();
  });
});

describe('a goodbye', () => {
  it('of a supervisor that stops makes the agent connect again', async () => {
    await startAgent();
    supervisor.session.send(goodbye(GoodbyeReason.SHUTDOWN, 'stopping'));
    await supervisor.online(2);
  });

  it('because a newer agent has taken over keeps the agent away', async () => {
    await startAgent();
    const first = supervisor.session;
    first.send(goodbye(GoodbyeReason.REPLACED, 'a newer session'));
    await supervisor.until(() => !first.isOpen, 'the end of the session');
    const other = await TestAgent.create(supervisor);
    other.start();
    await supervisor.online(2);
    await supervisor.over(await startedOn(supervisor));
    expect(supervisor.sessions).toHaveLength(2);
    await other.dispose();
  });
});

/** Starts something short on the current session. */
async function startedOn(on: TestSupervisor) {
  const start = startOf('exit 0');
  on.start(start);
  await on.until(() => on.of(start).started.length > 0, 'the start');
  return start;
}

describe('tokens', () => {
  it('are enrolled for once, and used again after a restart', async () => {
    await startAgent();
    await agent.stop();
    agent.start();
    await supervisor.online(2);
    expect(supervisor.enrolments).toBe(1);
  });

  it('are enrolled for anew when the old one is refused', async () => {
    await startAgent();
    await agent.stop();
    supervisor.tokenKey = 'second';
    agent.start();
    await supervisor.online(2);
    expect(supervisor.enrolments).toBe(2);
  });
});

describe('a command that no attempt is held for', () => {
  it('to stop is answered with lost', async () => {
    await startAgent();
    const start = startOf('exit 0');
    supervisor.stop(keyOf(start), 'stale');
    expect((await supervisor.over(start)).lost).toMatchObject([
      { why: 'this agent does not hold it' },
    ]);
  });

  it('to start something without a proper id leads nowhere, and the session goes on', async () => {
    await startAgent();
    supervisor.start({ ...startOf('exit 0'), taskId: '../../evil' });
    await supervisor.over(await startedOn(supervisor));
    expect(supervisor.sessions).toHaveLength(1);
  });
});

describe('a lease', () => {
  it('ends an attempt by itself when no supervisor is heard for so long (I2)', async () => {
    await startAgent();
    const start = startOf('echo up; exec sleep 1000', {}, { leaseMs: 700 });
    const other = startOf('echo up; exec sleep 1000');
    supervisor.start(start);
    supervisor.start(other);
    await supervisor.until(() => supervisor.of(other).started.length > 0, 'both');
    await supervisor.until(() => supervisor.of(start).started.length > 0, 'both');
    await supervisor.die();
    const [ended, alive] = [supervisor.of(start), supervisor.of(other)].map(
      (one) => one.started[0]!.pid,
    );
    await expect.poll(() => isAlive(ended!), { timeout: 10_000 }).toBe(false);
    expect(isAlive(alive!)).toBe(true);
    await supervisor.listen();
    expect((await supervisor.over(start)).exited[0]).toMatchObject({ stopCause: 'lease' });
    expect(supervisor.of(other).isOver).toBe(false);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
