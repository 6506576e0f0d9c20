// The pool with workers that fail and a clock that stands still.

import { beforeEach, describe, expect, it } from 'vitest';
import { SimulatedClock } from '../src/process/clock.ts';
import { silentLogger } from '../src/process/log.ts';
import { Pool, type WorkerReport } from './pool.ts';

let clock: SimulatedClock;
let checkError: Error | null;
let checks: number;
let reports: WorkerReport[];
let pool: Pool;

beforeEach(() => {
  clock = new SimulatedClock();
  checkError = null;
  checks = 0;
  reports = [];
  pool = makePool(1);
});

function makePool(slots: number): Pool {
  return new Pool({
    slots,
    async check() {
      checks += 1;
      if (checkError !== null) throw checkError;
    },
    clock,
    random: () => 0.999,
    log: silentLogger,
    onWorkerChanged: (report) => reports.push(report),
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
    expect(reports).toEqual([]);
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
    expect(states()).toEqual(['backing_off', 'backing_off', 'idle']);
    pool.reportUnusable();
    expect(reports).toHaveLength(3);
  });

  it('gives up after ten failures, keeps the queue, and says so to each new session', async () => {
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
    reports.length = 0;
    pool.reportUnusable();
    expect(reports).toMatchObject([{ slot: 0, state: 'crashed', assignment: null }]);
  });

  it('goes on after work that broke its worker', async () => {
    pool.start();
    await pass(0);
    pool.submit(key('a'), async () => Promise.reject(new Error('a defect')));
    let ran = false;
    pool.submit(key('b'), async () => void (ran = true));
    await pass(0);
    expect(states()).toEqual(['backing_off']);
    await pass(1_000);
    expect(ran).toBe(true);
  });
});
