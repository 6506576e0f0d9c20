// Commands that an agent keeps alive, on real processes; the clock of their backoff stands still where a test says so.

import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Clock, SimulatedClock, systemClock } from '../../src/process/clock.ts';
import { silentLogger } from '../../src/process/log.ts';
import { eventually } from '../../test/eventually.ts';
import { isLiveMember, listGroup } from '../executors/process-table.ts';
import { ScriptExecutor } from '../executors/script/executor.ts';
import type { KeptStatus } from '../workers.ts';
import type { Keep } from './keep.ts';
import { HostCommands } from './kept-commands.ts';
import { boundLog } from './log-file.ts';

let folder: string;
let open: HostCommands[];
const stopped = new Set<string>();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-kept-'));
  open = [];
  stopped.clear();
});

afterEach(async () => {
  for (const commands of open) commands.close();
  // Whatever is left is not kept by the next one.
  const last = await keep([], { stopGraceMs: 100 });
  await eventually(() => readdirSync(join(folder, 'kept')).length === 0, 'everything has ended');
  last.close();
  rmSync(folder, { recursive: true });
});

interface More {
  readonly clock?: Clock;
  readonly random?: number;
  readonly bootId?: string;
  readonly stopGraceMs?: number;
}

async function keep(keeps: readonly Keep[], more: More = {}): Promise<HostCommands> {
  const { random = 0, ...rest } = more;
  const environment = { PATH: process.env['PATH'] ?? '' };
  const commands = new HostCommands({
    nodeId: 'web-1',
    bootId: 'boot',
    environment,
    cwd: folder,
    folder: join(folder, 'kept'),
    keeps,
    executor: new ScriptExecutor({
      nodeId: 'web-1',
      attemptsFolder: join(folder, 'attempts'),
      environment,
      clock: systemClock,
    }),
    operations: { isStopped: (name) => stopped.has(name) },
    clock: systemClock,
    random: () => random,
    log: silentLogger,
    onChanged: () => {},
    ...rest,
  });
  open.push(commands);
  await commands.start();
  return commands;
}

const one = (command: string, policy: Keep['policy'] = 'always'): Keep[] => [
  { name: 'it', policy, command },
];

const statusOf = (commands: HostCommands) => commands.status('it') as KeptStatus;

async function reaches(commands: HostCommands, wanted: Partial<KeptStatus>): Promise<KeptStatus> {
  await eventually(
    () => {
      const status = statusOf(commands);
      return Object.entries(wanted).every(
        ([key, value]) => status[key as keyof KeptStatus] === value,
      );
    },
    `it is ${JSON.stringify(wanted)}`,
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}; it is ${JSON.stringify(statusOf(commands))}`);
  });
  return statusOf(commands);
}

const runs = () => readFileSync(join(folder, 'runs'), 'utf8').split('\n').length - 1;
const SLEEP = 'echo >> runs; exec sleep 1000';

/** Waits until the command has begun this often. */
async function begun(count = 1): Promise<void> {
  await eventually(() => runs() >= count, `it has begun ${count} times`);
}

describe('a kept command', () => {
  it('runs in the folder and the environment of its agent, with its output in a log', async () => {
    const command = 'echo "$MUSTER_NODE_ID $MUSTER_WORKER $PWD"; echo oops >&2; exec sleep 1000';
    const commands = await keep(one(command));
    const { pid } = await reaches(commands, { state: 'busy' });
    expect(listGroup(pid ?? 0)).not.toEqual([]);
    const log = () => readFileSync(join(folder, 'kept', 'it', 'log'), 'utf8');
    await eventually(() => log().endsWith('oops\n'), 'it has written');
    expect(log()).toBe(`web-1 it ${folder}\noops\n`);
    expect(statSync(join(folder, 'kept')).mode & 0o777).toBe(0o700);
  });

  it('that fails is started again after its backoff', async () => {
    const clock = new SimulatedClock();
    const commands = await keep(one('echo >> runs; exit 3'), { clock, random: 0.999 });
    const why = 'ended with exit code 3';
    const nextStartAt = clock.now() + 999;
    await reaches(commands, { state: 'backing_off', failures: 1, why, nextStartAt, pid: null });
    clock.advance(998);
    expect([statusOf(commands).state, runs()]).toEqual(['backing_off', 1]);
    clock.advance(1);
    await reaches(commands, { state: 'backing_off', failures: 2 });
    expect(runs()).toBe(2);
  });

  it('crashes after ten failures in ten minutes, and is started by hand', async () => {
    const commands = await keep(one('echo >> runs; exit 3'));
    await reaches(commands, { state: 'crashed', failures: 10 });
    expect(runs()).toBe(10);
    commands.operate('it', 'start');
    await begun(11);
    await reaches(commands, { state: 'crashed', failures: 10 });
    expect(runs()).toBe(20);
  });

  it.each([
    ['always', 0, 'crashed', 10],
    ['on-failure', 0, 'stopped', 1],
    ['on-failure', 1, 'crashed', 10],
    ['never', 0, 'stopped', 1],
    ['never', 1, 'stopped', 1],
  ] as const)(
    'with policy %s and exit code %i is %s after %i runs',
    async (policy, code, state, count) => {
      const commands = await keep(one(`echo >> runs; exit ${code}`, policy));
      await reaches(commands, { state, why: `ended with exit code ${code}` });
      expect(runs()).toBe(count);
    },
  );

  it('is ended with all that it has left running before it is started again', async () => {
    const clock = new SimulatedClock();
    const command = 'sleep 1000 & echo $! > child; echo $PPID > group; exit 1';
    const commands = await keep(one(command), { clock: mixed(clock), random: 0.999 });
    await reaches(commands, { state: 'backing_off' });
    const [child = 0, group = 0] = ['child', 'group'].map((name) =>
      Number(readFileSync(join(folder, name), 'utf8')),
    );
    expect(group).toBeGreaterThan(1);
    expect(isLiveMember(child, group)).toBe(false);
  });

  it('is stopped as a group, by force where it must be, and started again by hand', async () => {
    const command = `trap '' TERM; echo >> runs; sleep 1000; sleep 1000`;
    const commands = await keep(one(command), { stopGraceMs: 100 });
    await begun();
    const { pid } = await reaches(commands, { state: 'busy' });
    commands.operate('it', 'stop');
    expect(statusOf(commands).asked).toBe('stop');
    await reaches(commands, { state: 'stopped', asked: null, pid: null });
    expect(listGroup(pid ?? 0)).toEqual([]);
    commands.operate('it', 'start');
    await begun(2);
    await reaches(commands, { state: 'busy' });
  });

  it('is restarted by hand as another process, without a failure', async () => {
    const commands = await keep(one(SLEEP));
    await begun();
    const { pid } = await reaches(commands, { state: 'busy' });
    commands.operate('it', 'restart');
    await begun(2);
    const after = await reaches(commands, { state: 'busy', asked: null, failures: 0 });
    expect(after.pid).not.toBe(pid);
    expect(listGroup(pid ?? 0)).toEqual([]);
  });

  it('never runs twice, however fast it is stopped and started', async () => {
    // The lock goes with the last process of the group, however that ends.
    const command = 'exec 9> lock; flock -n 9 || echo >> twice; echo >> runs; exec sleep 1000';
    const commands = await keep(one(command));
    for (let round = 1; round <= 10; round += 1) {
      commands.operate('it', 'stop');
      commands.operate('it', 'start');
      commands.operate('it', 'restart');
      if (round % 2 === 0) await begun(round / 2);
      else await new Promise((resolve) => setImmediate(resolve));
    }
    await reaches(commands, { state: 'busy', asked: null, failures: 0 });
    expect(existsSync(join(folder, 'twice'))).toBe(false);
  });
});

describe('the next agent', () => {
  it('finds it running and does not start it again', async () => {
    const first = await keep(one(SLEEP));
    await begun();
    const { pid } = await reaches(first, { state: 'busy' });
    first.close();
    const second = await keep(one(SLEEP));
    await reaches(second, { state: 'busy', pid });
    expect(runs()).toBe(1);
    second.operate('it', 'stop');
    await reaches(second, { state: 'stopped' });
    expect(listGroup(pid ?? 0)).toEqual([]);
  });

  it.each([
    ['always', 0, 'busy', 2],
    ['on-failure', 0, 'stopped', 1],
    ['on-failure', 1, 'busy', 2],
    ['never', 1, 'stopped', 1],
  ] as const)(
    'goes by policy %s when it ended with %i meanwhile: %s',
    async (policy, code, state, count) => {
      const command = `echo >> runs; [ $(wc -l < runs) -gt 1 ] && exec sleep 1000; until [ -e go ]; do sleep 0.02; done; exit ${code}`;
      const first = await keep(one(command, policy));
      await begun();
      const { pid } = await reaches(first, { state: 'busy' });
      first.close();
      writeGo();
      await eventually(() => listGroup(pid ?? 0).length === 0, 'it has ended');
      const second = await keep(one(command, policy));
      await reaches(second, { state, failures: 0 });
      if (count === 2) await begun(2);
      expect(runs()).toBe(count);
    },
  );

  it('starts it after another boot, whatever its policy', async () => {
    const first = await keep(one('echo >> runs; exit 0', 'never'));
    await reaches(first, { state: 'stopped' });
    first.close();
    const second = await keep(one('echo >> runs; exit 0', 'never'), { bootId: 'next boot' });
    await begun(2);
    await reaches(second, { state: 'stopped' });
  });

  it('ends it when its command is another one, and starts that', async () => {
    const first = await keep(one(SLEEP));
    await begun();
    const { pid } = await reaches(first, { state: 'busy' });
    first.close();
    const second = await keep(one(`: changed; ${SLEEP}`));
    await begun(2);
    expect((await reaches(second, { state: 'busy' })).pid).not.toBe(pid);
    expect(listGroup(pid ?? 0)).toEqual([]);
  });

  it('ends it when it is not to be kept any more', async () => {
    const first = await keep(one(SLEEP));
    await begun();
    const { pid } = await reaches(first, { state: 'busy' });
    first.close();
    await keep([{ name: 'other', policy: 'never', command: 'true' }]);
    await eventually(() => !existsSync(join(folder, 'kept', 'it')), 'its folder is gone');
    expect(listGroup(pid ?? 0)).toEqual([]);
  });

  it('leaves it stopped that was stopped by hand, and ends what still runs then', async () => {
    const first = await keep(one(SLEEP));
    await begun();
    const { pid } = await reaches(first, { state: 'busy' });
    first.close();
    stopped.add('it');
    const second = await keep(one(SLEEP));
    await reaches(second, { state: 'stopped' });
    await eventually(() => listGroup(pid ?? 0).length === 0, 'it has ended');
    expect(runs()).toBe(1);
  });
});

describe('its log', () => {
  it('is bounded, with one older file', async () => {
    const commands = await keep(one('echo 1234567890; echo >> runs; exec sleep 1000'));
    await begun();
    await reaches(commands, { state: 'busy' });
    const log = join(folder, 'kept', 'it', 'log');
    expect(await boundLog(log, 11)).toBe(false);
    expect(await boundLog(log, 10)).toBe(true);
    expect(readFileSync(log, 'utf8')).toBe('');
    expect(readFileSync(`${log}.1`, 'utf8')).toBe('1234567890\n');
    commands.operate('it', 'restart');
    await begun(2);
    await eventually(() => readFileSync(log, 'utf8') === '1234567890\n', 'it is written anew');
  });
});

function writeGo(): void {
  rmSync(join(folder, 'go'), { force: true });
  writeFileSync(join(folder, 'go'), '');
}

/** Backoff by a clock that stands still, looks at processes by the real one. */
function mixed(clock: SimulatedClock): Clock {
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    after: (delayMs, fire) => (delayMs <= 100 ? systemClock : clock).after(delayMs, fire),
  };
}
