/**
 * What a watched stream passes on, and what is told of its end.
 */
import { describe, expect, it } from 'vitest';
import { type StreamEnd, WatchedStream } from './watched-stream.ts';

/** Numbers from 1 to `count`, then `fault` if there is one; tells when its reader leaves. */
async function* numbers(count: number, fault?: Error, onLeft = () => {}): AsyncIterable<number> {
  let isLeft = true;
  try {
    for (let number = 1; number <= count; number += 1) yield number;
    isLeft = false;
    if (fault !== undefined) throw fault;
  } finally {
    if (isLeft) onLeft();
  }
}

function watch(messages: AsyncIterable<number>, hooks = {}) {
  const ends: StreamEnd[] = [];
  const stream = new WatchedStream(messages, { onEnd: (end) => ends.push(end), ...hooks });
  return { stream, ends };
}

async function readAll(stream: AsyncIterable<number>): Promise<number[]> {
  const all: number[] = [];
  for await (const number of stream) all.push(number);
  return all;
}

describe('a watched stream', () => {
  it('passes every message on and tells of its end once', async () => {
    const { stream, ends } = watch(numbers(3));
    expect(await readAll(stream)).toEqual([1, 2, 3]);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    await stream.return();
    expect(ends).toEqual([{ kind: 'ended' }]);
  });

  it('passes a failure on as what it is converted to', async () => {
    const convert = (thrown: unknown) => new Error(`converted: ${(thrown as Error).message}`);
    const { stream, ends } = watch(numbers(1, new Error('fault')), { convert });
    await expect(readAll(stream)).rejects.toThrow('converted: fault');
    expect(ends).toEqual([{ kind: 'failed', thrown: new Error('converted: fault') }]);
  });

  it('ends its source when a message is refused, and passes nothing on afterwards', async () => {
    const left: string[] = [];
    const onMessage = (number: number) => {
      if (number === 2) throw new Error('refused');
    };
    const { stream, ends } = watch(
      numbers(3, undefined, () => left.push('left')),
      { onMessage },
    );
    expect(await stream.next()).toEqual({ done: false, value: 1 });
    await expect(stream.next()).rejects.toThrow('refused');
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    expect(left).toEqual(['left']);
    expect(ends).toEqual([{ kind: 'failed', thrown: new Error('refused') }]);
  });

  it('ends its source when its reader leaves', async () => {
    const left: string[] = [];
    const { stream, ends } = watch(numbers(3, undefined, () => left.push('left')));
    for await (const number of stream) if (number === 2) break;
    expect(left).toEqual(['left']);
    expect(ends).toEqual([{ kind: 'left' }]);
  });

  it('gives what its reader failed with to its source', async () => {
    const { stream, ends } = watch(numbers(3));
    await stream.next();
    await expect(stream.throw(new Error('cannot write'))).rejects.toThrow('cannot write');
    expect(ends).toEqual([{ kind: 'failed', thrown: new Error('cannot write') }]);
  });

  it('is left when its reader fails and its source cannot be told why', async () => {
    const source = {
      [Symbol.asyncIterator]: () => ({ next: async () => ({ done: false, value: 1 }) }),
    };
    const { stream, ends } = watch(source as AsyncIterable<number>);
    await stream.next();
    await expect(stream.throw(new Error('cannot write'))).rejects.toThrow('cannot write');
    expect(ends).toEqual([{ kind: 'left' }]);
  });
});
