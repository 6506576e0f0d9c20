// The pool with workers that fail and a clock that stands still.

import { beforeEach, describe, expect, it } from 'vitest';
import { SimulatedClock } from '../src/process/clock.ts';
import { silentLogger } from '../src/process/log.ts';
import { Pool } from './pool.ts';
import type { WorkerStatus } from './worker-actor.ts';

let clock: SimulatedClock;
let checkError: Error | null;
let checks: number;
let reports: WorkerStatus[];
let pool: Pool;

beforeEach(() => {
  clock = new SimulatedClock();
  checkError = null;
  checks = 0;
  reports = [];
  pool = makePool(1);
});

function makePool(slots: number, isStopped = false): Pool {
  return new Pool({
    slots,
    isStopped: () => isStopped,
    async check() {
      checks += 1;
      if (checkError !== null) throw checkError;
    },
    clock,
    random: () => 0.999,
    log: silentLogger,
    onWorkerChanged: (name) => reports.push(pool.status(name) as WorkerStatus),
  });
}

async function pass(ms: number): Promise<void> {
  for (let i = 0; i < 20; i += 1) await Promise.resolve();
  clock.advance(ms);
  for (let i = 0; i < 20; i += 1) await Promise.resolve();
}

const key = (taskId: string) => ({ taskId, attempt: 1 });
const states = () => reports.map(({ state }) => state);

describe('Pool', () => {
  it('never gives two attempts to one slot at once (I8)', async () => {
    pool = makePool(3);
    pool.start();
    let running = 0;
    let most = 0;
    let done = 0;
    for (let i = 0; i < 50; i += 1) {
      pool.submit(key(`t${i}`), async () => {
        running += 1;
        most = Math.max(most, running);
        for (let turn = 0; turn < (i * 7) % 11; turn += 1) await Promise.resolve();
        running -= 1;
        done += 1;
      });
    }
    for (let i = 0; i < 300; i += 1) await Promise.resolve();
    expect({ most, done }).toEqual({ most: 3, done: 50 });
  });

  it('lets no attempt wait while a worker is free (I8)', async () => {
    pool.start();
    await pass(0);
    const done: string[] = [];
    pool.submit(key('a'), async () => void done.push('a'));
    await pass(0);
    pool.submit(key('b'), async () => void done.push('b'));
    await pass(0);
    expect(done).toEqual(['a', 'b']);
  });

  it('takes back what has not begun, and nothing else', async () => {
    pool.start();
    await pass(0);
    pool.submit(key('a'), () => new Promise(() => {}));
    pool.submit(key('b'), async () => expect.unreachable());
    expect(pool.withdraw(key('a'))).toBe(false);
    expect(pool.withdraw(key('b'))).toBe(true);
  });

  it('starts a failed worker again with backoff, and says when it can be used', async () => {
    checkError = new Error('no sh');
    pool.start();
    await pass(500);
    expect(checks).toBe(1);
    await pass(500);
    expect(checks).toBe(2);
    checkError = null;
    await pass(1_000);
    expect(checks).toBe(2);
    await pass(1_000);
    const [starting, backingOff] = ['starting', 'backing_off'];
    expect(states()).toEqual([starting, backingOff, starting, backingOff, starting, 'idle']);
    expect(reports[1]).toMatchObject({ failures: 1, why: 'no sh', nextStartAt: 1_000_999 });
  });

  it('gives up after ten failures and keeps the queue', async () => {
    checkError = new Error('no sh');
    pool.start();
    let ran = false;
    pool.submit(key('a'), async () => void (ran = true));
    for (let i = 0; i < 12; i += 1) await pass(60_000);
    expect(checks).toBe(10);
    expect(states().at(-1)).toBe('crashed');
    checkError = null;
    await pass(3_600_000);
    expect(ran).toBe(false);
    expect(pool.statuses()).toMatchObject([{ name: 'slot-0', state: 'crashed', failures: 10 }]);
    expect(pool.operate('slot-0', 'start')).toBe(true);
    await pass(0);
    expect(ran).toBe(true);
    expect(pool.statuses()).toMatchObject([{ state: 'idle', failures: 0, why: '' }]);
  });

  it('goes on after work that broke its worker', async () => {
    pool.start();
    await pass(0);
    pool.submit(key('a'), async () => Promise.reject(new Error('a defect')));
    let ran = false;
    pool.submit(key('b'), async () => void (ran = true));
    await pass(0);
    expect(states().at(-1)).toBe('backing_off');
    await pass(1_000);
    expect(ran).toBe(true);
  });

  describe('operated by hand', () => {
    let end: () => void;

    async function makeBusy(): Promise<void> {
      pool.start();
      await pass(0);
      pool.submit(key('a'), () => new Promise((resolve) => (end = resolve)));
      await pass(0);
      expect(states().at(-1)).toBe('busy');
    }

    it('lets a busy worker finish its attempt before it stops, and gives it nothing then (I8)', async () => {
      await makeBusy();
      pool.operate('slot-0', 'stop');
      expect(pool.status('slot-0')).toMatchObject({
        state: 'busy',
        asked: 'stop',
        assignment: key('a'),
      });
      pool.submit(key('b'), async () => expect.unreachable());
      end();
      await pass(60_000);
      expect(pool.status('slot-0')).toMatchObject({ state: 'stopped', asked: null });
      expect(pool.withdraw(key('b'))).toBe(true);
    });

    it('works again once it is started', async () => {
      await makeBusy();
      pool.operate('slot-0', 'stop');
      end();
      await pass(0);
      const done: string[] = [];
      pool.submit(key('b'), async () => void done.push('b'));
      await pass(0);
      expect(done).toEqual([]);
      pool.operate('slot-0', 'start');
      await pass(0);
      expect(done).toEqual(['b']);
    });

    it('starts a worker again after its attempt, with a self check', async () => {
      await makeBusy();
      pool.operate('slot-0', 'restart');
      await pass(60_000);
      expect([checks, states().at(-1)]).toEqual([1, 'busy']);
      end();
      await pass(0);
      expect(states().slice(-2)).toEqual(['starting', 'idle']);
      expect(checks).toBe(2);
    });

    it('stops an idle worker at once, one of many', async () => {
      pool = makePool(2);
      pool.start();
      await pass(0);
      pool.operate('slot-0', 'stop');
      const slots: string[] = [];
      const busy = () => pool.statuses().filter(({ state }) => state === 'busy');
      for (const task of ['a', 'b']) {
        pool.submit(key(task), async () => {
          await Promise.resolve();
          slots.push(busy()[0]?.name ?? '');
        });
      }
      await pass(0);
      expect(slots).toEqual(['slot-1', 'slot-1']);
    });

    it('begins stopped where it was stopped before, and knows no other names', async () => {
      pool = makePool(1, true);
      pool.start();
      await pass(60_000);
      expect(pool.statuses()).toMatchObject([{ state: 'stopped' }]);
      expect(pool.operate('slot-1', 'start')).toBe(false);
    });
  });
});
