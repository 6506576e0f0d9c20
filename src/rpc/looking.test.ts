// Looks at a list: all at first, then what differs, at its time or when the bell rings.

import { create } from '@bufbuild/protobuf';
import { afterEach, describe, expect, it } from 'vitest';
import { type Worker, WorkerSchema } from '../../proto/gen/muster/v1/worker_pb.ts';
import { SimulatedClock } from '../process/clock.ts';
import { Bell, LOOK_PAGE, type Looked, looks } from './looking.ts';

const controllers: AbortController[] = [];

afterEach(() => {
  for (const controller of controllers.splice(0)) controller.abort();
});

/** A list of workers by name, and those who look at it. */
function setUp(...names: string[]) {
  const clock = new SimulatedClock();
  const bell = new Bell();
  const controller = new AbortController();
  controllers.push(controller);
  const all = new Map(names.map((name) => [name, create(WorkerSchema, { name })]));
  const asked: (string | null)[] = [];
  const list: Looked<typeof WorkerSchema> = {
    schema: WorkerSchema,
    list: async (after) => {
      asked.push(after);
      const sorted = [...all.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
      return sorted.filter(({ name }) => after === null || name > after).slice(0, LOOK_PAGE);
    },
    keyOf: ({ name }) => name,
    idOf: ({ name }) => name,
  };
  const reader = looks(list, clock, controller.signal, bell)[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await reader.next();
    return done === true
      ? 'over'
      : [value.changed.map((one: Worker) => one.name).join(' '), value.goneIds.join(' ')];
  };
  const put = (name: string, failures: number) =>
    all.set(name, create(WorkerSchema, { name, failures }));
  return { clock, bell, controller, all, asked, next, put };
}

describe('a list that is looked at', () => {
  it('comes whole at first, then what is new, different or gone', async () => {
    const { bell, all, next, put } = setUp('a', 'b');
    expect(await next()).toEqual(['a b', '']);
    put('b', 1);
    put('c', 0);
    all.delete('a');
    bell.ring();
    expect(await next()).toEqual(['b c', 'a']);
  });

  it('comes also if it is empty', async () => {
    const { next } = setUp();
    expect(await next()).toEqual(['', '']);
  });

  it('is looked at when its time has come, however often nothing has changed', async () => {
    const { clock, asked, next, put } = setUp('a');
    await next();
    const news = next();
    const untilAsked = async (times: number) => {
      while (asked.length < times) {
        clock.advance(2_000);
        await Promise.resolve();
      }
    };
    await untilAsked(3);
    put('a', 1);
    await untilAsked(4);
    expect(await news).toEqual(['a', '']);
  });

  it('is looked at again when the bell rings during a look', async () => {
    const { bell, next, put } = setUp('a');
    const first = next();
    bell.ring();
    await first;
    put('a', 1);
    expect(await next()).toEqual(['a', '']);
  });

  it('is read page by page', async () => {
    const names = Array.from({ length: LOOK_PAGE + 5 }, (_, n) => String(n).padStart(6, '0'));
    const { asked, next } = setUp(...names);
    const [changed = ''] = await next();
    expect(changed.split(' ')).toHaveLength(LOOK_PAGE + 5);
    expect(asked).toEqual([null, names[LOOK_PAGE - 1]]);
  });

  it('is over when the signal fires, also while it waits', async () => {
    const { controller, next } = setUp('a');
    await next();
    const last = next();
    controller.abort();
    expect(await last).toBe('over');
  });
});
