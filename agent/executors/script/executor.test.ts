// The script executor on real processes, by itself: what an agent finds that was not there when things happened.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StartAttemptSchema } from '../../../proto/gen/muster/v1/agent_service_pb.ts';
import { systemClock } from '../../../src/process/clock.ts';
import { startArgv, startOf } from '../../testing/starts.ts';
import type { ProcessGroup } from '../executor.ts';
import { isGroupKnown, listGroup, readCommandLine } from '../process-table.ts';
import { ScriptExecutor } from './executor.ts';
import { SHELL, SHIM } from './start-shim.ts';

let attemptsFolder: string;
let executor: ScriptExecutor;
let children: ChildProcess[];
let groups: number[];

beforeEach(() => {
  attemptsFolder = mkdtempSync(join(tmpdir(), 'muster-executor-'));
  children = [];
  groups = [];
  executor = makeExecutor({ PATH: process.env['PATH'] ?? '' });
});

function makeExecutor(environment: Record<string, string>): ScriptExecutor {
  return new ScriptExecutor({ nodeId: 'web-1', attemptsFolder, environment, clock: systemClock });
}

afterEach(() => {
  for (const group of [...groups, ...children.map((child) => child.pid ?? 0)]) {
    if (group > 1 && isGroupKnown(group)) process.kill(-group, 'SIGKILL');
  }
  executor.close();
  rmSync(attemptsFolder, { recursive: true, force: true });
});

async function start(body: string, name = 'one'): Promise<{ group: ProcessGroup; folder: string }> {
  const folder = join(attemptsFolder, name);
  const result = await executor.start(create(StartAttemptSchema, startOf(body)), folder);
  if (result.kind === 'failed') throw new Error(result.why);
  groups.push(result.group.pid);
  return { group: result.group, folder };
}

async function find(folder: string): Promise<ProcessGroup> {
  const found = await executor.find(folder);
  if (found.kind !== 'begun') throw new Error('it has never begun');
  return found.group;
}

/** A process that leads a group of its own and has nothing to do with any attempt. */
function spawnStranger(): ChildProcess {
  const child = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
  children.push(child);
  return child;
}

describe('finding an attempt again', () => {
  it('sees whether it runs, and how it ended', async () => {
    const { group, folder } = await start('until [ -e "$0.go" ]; do sleep 0.02; done; exit 3');
    await expect.poll(() => existsSync(join(folder, 'record'))).toBe(true);
    const found = await find(folder);
    expect(found.pid).toBe(group.pid);
    expect(found.hasEnded()).toBe(false);
    writeFileSync(join(folder, 'body.go'), '');
    await found.ended;
    expect(found.isEmpty()).toBe(true);
    expect(found.readExit()).toMatchObject({ exitCode: 3, signal: null });
  });

  it('keeps a script that has not begun from ever beginning (I2)', async () => {
    const folder = join(attemptsFolder, 'late');
    expect(await executor.find(folder)).toEqual({ kind: 'never_begun' });
    const ran = join(attemptsFolder, 'ran');
    writeFileSync(join(folder, 'command'), `exec /usr/bin/touch ${ran}\n`);
    const shim = spawn(SHELL, [SHIM, folder], { stdio: 'ignore' });
    const [code] = (await once(shim, 'exit')) as [number];
    expect(code).toBe(1);
    expect(existsSync(ran)).toBe(false);
    expect(await executor.find(folder)).toEqual({ kind: 'never_begun' });
  });

  it('either finds a script or has kept it from beginning, however close the race (I2)', async () => {
    for (let round = 0; round < 40; round += 1) {
      const folder = join(attemptsFolder, `race-${round}`);
      mkdirSync(folder);
      const ran = join(folder, 'ran');
      writeFileSync(join(folder, 'command'), `exec /usr/bin/touch ${ran}\n`);
      const shim = spawn(SHELL, [SHIM, folder], { stdio: 'ignore' });
      const ended = once(shim, 'exit');
      // Not to wait for anything: to come at another moment each time.
      if (round % 2 === 0) await new Promise((resolve) => setTimeout(resolve, round / 8));
      const { kind } = await executor.find(folder);
      await ended;
      expect(existsSync(ran)).toBe(kind === 'begun');
    }
  });

  it('refuses to start in a folder where something was started (I2)', async () => {
    const { group } = await start('exit 0');
    await group.ended;
    await expect(start('exit 0')).rejects.toThrow(/was started before/);
  });

  it('does not take a stranger with the same pid for the script, and does it no harm', async () => {
    const stranger = spawnStranger();
    const folder = join(attemptsFolder, 'reused');
    mkdirSync(folder);
    writeFileSync(join(folder, 'record'), `${stranger.pid}\n7\n`);
    const found = await find(folder);
    await found.ended;
    expect(found.isEmpty()).toBe(true);
    expect(found.readExit()).toMatchObject({ exitCode: 7 });
    expect(listGroup(stranger.pid ?? 0)).toEqual([stranger.pid]);
  });

  it('finds what a script has left when its parent is gone', async () => {
    const { group, folder } = await start('sleep 1000 & echo $!');
    await group.ended;
    const found = await find(folder);
    await found.ended;
    expect(found.isEmpty()).toBe(false);
    found.signal('SIGKILL');
    await expect.poll(() => found.isEmpty()).toBe(true);
  });

  it('knows no exit where the parent was killed before it could record one', async () => {
    const { group, folder } = await start('echo up; sleep 1000');
    await expect.poll(() => existsSync(join(folder, 'stdout'))).toBe(true);
    const found = await find(folder);
    group.signal('SIGKILL');
    await found.ended;
    expect(found.readExit()).toBeNull();
    expect(group.readExit()).toMatchObject({ exitCode: 137, signal: 'SIGKILL' });
  });

  it('does not take half a record for an exit', async () => {
    const { group, folder } = await start('exit 143');
    await group.ended;
    expect(group.readExit()).toMatchObject({ exitCode: 143, signal: 'SIGTERM' });
    writeFileSync(join(folder, 'record'), `${group.pid}\n14`);
    expect((await find(folder)).readExit()).toBeNull();
  });
});

describe.runIf(process.platform === 'linux')('a starter that dies', () => {
  it('does no harm to its script, and the next one gets another', async () => {
    const { group, folder } = await start('until [ -e "$0.go" ]; do sleep 0.02; done; exit 6');
    const [, parent] = /\) \S (\d+)/.exec(readFileSync(`/proc/${group.pid}/stat`, 'utf8')) ?? [];
    expect(readCommandLine(Number(parent))).toContain('starter.sh');
    process.kill(Number(parent), 'SIGKILL');
    const next = await start('exit 7', 'two');
    await next.group.ended;
    expect(next.group.readExit()).toMatchObject({ exitCode: 7 });
    expect(group.hasEnded()).toBe(false);
    writeFileSync(join(folder, 'body.go'), '');
    await group.ended;
    expect(group.readExit()).toMatchObject({ exitCode: 6, signal: null });
  });
});

describe('a host without setsid(1)', () => {
  it('runs scripts just as well', async () => {
    executor = makeExecutor({ PATH: '/nowhere' });
    const start = startArgv(['/bin/sh', '-c', 'echo up; exec /bin/sleep 1000']);
    const folder = join(attemptsFolder, 'bare');
    const result = await executor.start(create(StartAttemptSchema, start), folder);
    if (result.kind === 'failed') throw new Error(result.why);
    const { group } = result;
    groups.push(group.pid);
    await expect.poll(() => readFileSync(join(folder, 'stdout'), 'utf8')).toBe('up\n');
    expect((await find(folder)).hasEnded()).toBe(false);
    group.signal('SIGTERM');
    await group.ended;
    expect(group.isEmpty()).toBe(true);
    expect(group.readExit()).toMatchObject({ exitCode: 143, signal: 'SIGTERM' });
  });
});

describe('the self check', () => {
  it('makes the folder of the attempts, and says in a sentence why it cannot', async () => {
    rmSync(attemptsFolder, { recursive: true });
    await executor.check();
    expect(existsSync(attemptsFolder)).toBe(true);
    rmSync(attemptsFolder, { recursive: true });
    writeFileSync(attemptsFolder, 'in the way');
    await expect(executor.check()).rejects.toThrow(
      /^cannot run scripts on node web-1: .*muster-executor-/,
    );
  });
});

describe('the process table', () => {
  it('tells a zombie from a live process', async () => {
    // The inner shell never waits for its child.
    const body = 'sleep 0.01 & exec sleep 1000';
    const child = spawn('sh', ['-c', body], { detached: true, stdio: 'ignore' });
    children.push(child);
    // Before that, its process is the shell's, or, for a moment, none's; the child is forked, and may still run.
    await expect.poll(() => readCommandLine(child.pid ?? 0)).toBe('sleep 1000 ');
    await expect.poll(() => listGroup(child.pid ?? 0)).toEqual([child.pid]);
    process.kill(-(child.pid ?? 0), 'SIGKILL');
    await once(child, 'exit');
    expect(listGroup(child.pid ?? 0)).toEqual([]);
    expect(readCommandLine(child.pid ?? 0)).toBeNull();
  });
});
