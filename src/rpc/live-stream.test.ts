/** Many subscriptions over one stream: replaced, bounded, ended with a sentence. */
import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { SimulatedClock } from '../process/clock.ts';
import { LiveStream, MAX_QUEUED, MAX_SUBSCRIPTIONS, type LiveMessage } from './live-stream.ts';
import type { OpenStreamResponse } from '../../proto/gen/muster/v1/live_service_pb.ts';

const describe = (thrown: unknown) => (thrown as Error).message;
const deleted = (...deletedIds: string[]): LiveMessage => ({
  case: 'nodes',
  value: { deletedIds },
});

/** Yields one message after the other, and counts how many were taken; goes on for ever without `count`. */
function counter(name: string, count = Number.POSITIVE_INFINITY) {
  const state = { taken: 0, isOver: false };
  async function* follow(signal: AbortSignal): AsyncGenerator<LiveMessage> {
    try {
      while (state.taken < count && !signal.aborted) {
        state.taken += 1;
        yield deleted(`${name}${state.taken}`);
      }
    } finally {
      state.isOver = true;
    }
  }
  return { state, follow };
}

const textOf = ({ subscriptionId, message }: OpenStreamResponse) => {
  const { case: kind, value } = message;
  if (kind === 'nodes') return `${subscriptionId} ${value.deletedIds.join()}`;
  return kind === 'ended' ? `${subscriptionId} ended ${value.why}`.trim() : `${kind}`;
};

async function take(read: AsyncIterator<OpenStreamResponse>, count: number): Promise<string[]> {
  const texts: string[] = [];
  for (let number = 0; number < count; number += 1) {
    const next = await read.next();
    if (next.done === true) break;
    texts.push(textOf(next.value));
  }
  return texts;
}

/** Lets everything go as far as it can. */
async function settle(): Promise<void> {
  for (let count = 0; count < 20; count += 1) await turn();
}

function open() {
  const clock = new SimulatedClock();
  const stream = new LiveStream(clock);
  const reading = new AbortController();
  const read = stream.read(reading.signal)[Symbol.asyncIterator]();
  return { clock, stream, reading, read };
}

it('says of each message which subscription it is for, and that one is over', async () => {
  const { stream, read } = open();
  stream.subscribe('a', counter('x', 2).follow, describe);
  expect(await take(read, 3)).toEqual(['a x1', 'a x2', 'a ended']);
});

it('says in a sentence why a subscription is over', async () => {
  const { stream, read } = open();
  const fail = () => {
    throw new Error('There is no such task');
  };
  stream.subscribe('a', fail, describe);
  expect(await take(read, 1)).toEqual(['a ended There is no such task']);
});

it('does not take from a subscription what nobody reads', async () => {
  const { stream, read } = open();
  const { state, follow } = counter('x');
  stream.subscribe('a', follow, describe);
  await settle();
  // One is in hand, waiting for room.
  expect(state.taken).toBe(MAX_QUEUED + 1);
  await take(read, 10);
  await settle();
  expect(state.taken).toBe(MAX_QUEUED + 11);
});

it('lets all subscriptions have their turn while the reader is slow', async () => {
  const { stream, read } = open();
  for (const name of ['a', 'b', 'c']) stream.subscribe(name, counter(name).follow, describe);
  await settle();
  const texts = await take(read, MAX_QUEUED * 3);
  for (const name of ['a', 'b', 'c']) {
    const own = texts.filter((text) => text.startsWith(name));
    expect(own.length).toBeGreaterThan(MAX_QUEUED / 2);
    // In order, none left out.
    expect(own).toEqual(own.map((_, index) => `${name} ${name}${index + 1}`));
  }
});

it('brings nothing of a subscription after another has its place', async () => {
  const { stream, read } = open();
  const first = counter('old');
  stream.subscribe('a', first.follow, describe);
  await settle();
  stream.subscribe('a', counter('new', 2).follow, describe);
  expect(await take(read, 3)).toEqual(['a new1', 'a new2', 'a ended']);
  await settle();
  expect(first.state.isOver).toBe(true);
});

it('goes on with the others when one that waited for room is ended, however often', async () => {
  const { stream, read } = open();
  stream.subscribe('full', counter('x').follow, describe);
  await settle();
  for (let round = 0; round < MAX_QUEUED * 2; round += 1) {
    stream.subscribe('again', counter('y').follow, describe);
    await turn();
  }
  stream.unsubscribe('again');
  const texts = await take(read, MAX_QUEUED * 3);
  expect(texts).toHaveLength(MAX_QUEUED * 3);
  expect(texts.every((text) => text.startsWith('full'))).toBe(true);
});

it('ends a subscription that is not wanted any more', async () => {
  const { stream } = open();
  const { state, follow } = counter('x');
  stream.subscribe('a', follow, describe);
  await settle();
  stream.unsubscribe('a');
  stream.unsubscribe('unknown');
  await settle();
  expect(state.isOver).toBe(true);
});

it('ends all of them with its reader', async () => {
  const { stream, reading, read } = open();
  const counters = ['a', 'b'].map((name) => counter(name));
  for (const [index, { follow }] of counters.entries()) {
    stream.subscribe(String(index), follow, describe);
  }
  await take(read, 5);
  reading.abort();
  expect(await take(read, MAX_QUEUED * 2)).toEqual([]);
  await settle();
  expect(counters.map(({ state }) => state.isOver)).toEqual([true, true]);
});

it('has room for so many, and for those that it has already', async () => {
  const { stream } = open();
  const waits = async function* (signal: AbortSignal): AsyncGenerator<LiveMessage> {
    yield deleted('first');
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    yield* [];
  };
  for (let number = 0; number < MAX_SUBSCRIPTIONS; number += 1) {
    expect(stream.canAdd(String(number))).toBe(true);
    stream.subscribe(String(number), waits, describe);
  }
  expect(stream.canAdd('one more')).toBe(false);
  expect(stream.canAdd('0')).toBe(true);
  stream.unsubscribe('0');
  expect(stream.canAdd('one more')).toBe(true);
});

it('gives a sign of life when nothing else comes', async () => {
  const { clock, read } = open();
  const next = take(read, 1);
  await settle();
  clock.advance(15_000);
  expect(await next).toEqual(['alive']);
});
