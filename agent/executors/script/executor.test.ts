// The script executor on real processes, by itself: what an agent finds that was not there when things happened.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StartAttemptSchema } from '../../../proto/gen/muster/v1/agent_service_pb.ts';
import { systemClock } from '../../../src/process/clock.ts';
import { startOf } from '../../testing/starts.ts';
import type { ProcessGroup } from '../executor.ts';
import { isGroupKnown, listGroup, readCommandLine } from '../process-table.ts';
import { ScriptExecutor } from './executor.ts';
import { SHELL, SHIM } from './spawn-shim.ts';

let attemptsFolder: string;
let executor: ScriptExecutor;
let children: ChildProcess[];
let groups: number[];

beforeEach(() => {
  attemptsFolder = mkdtempSync(join(tmpdir(), 'muster-executor-'));
  children = [];
  groups = [];
  executor = new ScriptExecutor({
    nodeId: 'web-1',
    attemptsFolder,
    environment: { PATH: process.env['PATH'] ?? '' },
    clock: systemClock,
  });
});

afterEach(() => {
  for (const group of [...groups, ...children.map((child) => child.pid ?? 0)]) {
    if (group > 1 && isGroupKnown(group)) process.kill(-group, 'SIGKILL');
  }
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
    const shim = spawn(SHELL, [SHIM, folder, '/usr/bin/touch', ran], { stdio: 'ignore' });
    const [code] = (await once(shim, 'exit')) as [number];
    expect(code).toBe(1);
    expect(existsSync(ran)).toBe(false);
    expect(await executor.find(folder)).toEqual({ kind: 'never_begun' });
  });

  it('either finds a script or has kept it from beginning, however close the race (I2)', async () => {
    const outcomes = new Set<string>();
    for (let round = 0; round < 40; round += 1) {
      const folder = join(attemptsFolder, `race-${round}`);
      mkdirSync(folder);
      const ran = join(folder, 'ran');
      const shim = spawn(SHELL, [SHIM, folder, '/bin/sh', '-c', `echo x >> ${ran}`], {
        stdio: 'ignore',
      });
      const ended = once(shim, 'exit');
      if (round % 2 === 0) await new Promise((resolve) => setTimeout(resolve, round / 8));
      const { kind } = await executor.find(folder);
      await ended;
      expect(existsSync(ran)).toBe(kind === 'begun');
      outcomes.add(kind);
    }
    expect(outcomes.size).toBeGreaterThan(0);
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
    appendFileSync(join(folder, 'record'), '7');
    expect((await executor.find(folder)).kind).toBe('never_begun');
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
    await expect.poll(() => listGroup(child.pid ?? 0)).toEqual([child.pid]);
    expect(readCommandLine(child.pid ?? 0)).toContain('sleep 1000');
    process.kill(-(child.pid ?? 0), 'SIGKILL');
    await once(child, 'exit');
    expect(listGroup(child.pid ?? 0)).toEqual([]);
    expect(readCommandLine(child.pid ?? 0)).toBeNull();
  });
});
