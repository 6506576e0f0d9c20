/** The database's clock, and whether the database answers at all: both by a clock that the test advances. */
import { describe, expect, it } from 'vitest';
import { SimulatedClock } from '../process/clock.ts';
import { silentLogger } from '../process/log.ts';
import { Availability } from './availability.ts';
import { DatabaseClock } from './database-clock.ts';
import type { Store } from './store.ts';
import { kindOf } from './testing/test-bench.ts';

/** A store whose answers take as long as it is told, and say the time in the middle of it. */
function storeWith(clock: SimulatedClock, ahead: number, delays: number[]): Store {
  const read = async () => {
    const delayMs = delays.shift() ?? 0;
    clock.advance(delayMs / 2);
    const time = clock.monotonic() + ahead;
    clock.advance(delayMs / 2);
    return time;
  };
  return { read } as unknown as Store;
}

const turn = () => new Promise<void>((resolve) => void setImmediate(resolve));

describe('the clock of the database', () => {
  it('is the own one, corrected by the quickest of a few answers', async () => {
    const clock = new SimulatedClock();
    const database = new DatabaseClock(storeWith(clock, 5_000, [400, 2, 90]), clock, silentLogger);
    await database.start();
    expect(database.now()).toBe(clock.monotonic() + 5_000);
    clock.advance(1_234);
    expect(database.now()).toBe(clock.monotonic() + 5_000);
    database.stop();
  });

  it('is measured again every half minute until it is stopped', async () => {
    const clock = new SimulatedClock();
    let ahead = 0;
    let reads = 0;
    const read = async () => {
      reads += 1;
      return clock.monotonic() + ahead;
    };
    const database = new DatabaseClock({ read } as unknown as Store, clock, silentLogger);
    await database.start();
    ahead = 777;
    clock.advance(30_000);
    for (let turns = 0; turns < 10; turns += 1) await turn();
    expect(database.now()).toBe(clock.monotonic() + 777);
    database.stop();
    const before = reads;
    clock.advance(120_000);
    await turn();
    expect(reads).toBe(before);
  });
});

describe('the availability of the database', () => {
  it('lets the patient wait and refuses the others, until a probe goes through', async () => {
    const clock = new SimulatedClock();
    let answers = false;
    const probe = async () => {
      if (!answers) throw new Error('no');
    };
    const availability = new Availability(probe, clock, silentLogger);
    const lost = availability.whenLost();
    availability.reportLoss(new Error('lost'));
    await lost;
    expect([availability.isUp, availability.upForMs]).toEqual([false, 0]);
    expect(() => availability.check()).toThrow('does not answer');
    let isThrough = false;
    const patient = availability.whenUp().then(() => void (isThrough = true));
    for (let turns = 0; turns < 20; turns += 1) {
      clock.advance(1_000);
      await turn();
    }
    expect(isThrough).toBe(false);
    answers = true;
    clock.advance(1_000);
    await patient;
    availability.check();
    clock.advance(500);
    expect(availability.upForMs).toBe(500);
  });

  it('lets nobody wait for a probe that never ends, once it is stopped', async () => {
    const clock = new SimulatedClock();
    const availability = new Availability(() => new Promise(() => {}), clock, silentLogger);
    availability.reportLoss(new Error('lost'));
    clock.advance(100);
    await turn();
    const patient = kindOf(availability.whenUp());
    availability.stop();
    expect(await patient).toBe('unavailable');
  });
});
