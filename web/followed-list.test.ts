// A list that is followed: shared, replaced when it is asked for anew, and asked for again after its end.
import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { NodesChangedSchema } from '../proto/gen/muster/v1/live_service_pb.ts';
import { type Node, NodeSchema } from '../proto/gen/muster/v1/node_pb.ts';
import { FollowedList } from './followed-list.ts';
import type { LiveMessage } from './live.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A stream that says what it is told to, and how many follow it. */
class Stream {
  following = 0;
  begun = 0;
  #say: (message: LiveMessage) => void = () => {};

  readonly subscribe = (topic: () => unknown, onMessage: (message: LiveMessage) => void) => {
    topic();
    this.following += 1;
    this.begun += 1;
    this.#say = onMessage;
    return () => {
      this.following -= 1;
    };
  };

  nodes(...ids: string[]): void {
    const nodes = ids.map((id) => create(NodeSchema, { id }));
    this.#say({ case: 'nodes', value: create(NodesChangedSchema, { nodes }) });
  }

  end(why: string): void {
    this.#say({ case: 'ended', value: { $typeName: 'muster.v1.SubscriptionEnded', why } });
  }
}

function setUp() {
  const stream = new Stream();
  const list = new FollowedList<Node>(
    stream.subscribe,
    { case: 'nodes', value: {} },
    (message) =>
      message.case === 'nodes'
        ? { changed: message.value.nodes, deletedIds: message.value.deletedIds }
        : null,
    ({ id }) => id,
  );
  return { stream, list, ids: () => [...(list.get().items?.keys() ?? [])].join(' ') };
}

it('is followed once, while anybody looks', () => {
  const { stream, list, ids } = setUp();
  const leave = [list.subscribe(() => {}), list.subscribe(() => {})];
  expect(stream.following).toBe(1);
  stream.nodes('a');
  stream.nodes('b');
  expect(ids()).toBe('a b');
  for (const one of leave) one();
  expect(stream.following).toBe(0);
  expect(ids()).toBe('a b');
});

it('is asked for again after its end, says why until then, and has what there is then', () => {
  const { stream, list, ids } = setUp();
  let heard = 0;
  const leave = list.subscribe(() => {
    heard += 1;
  });
  stream.nodes('a', 'b');
  stream.end('the database is away');
  expect(list.get().failure).toBe('the database is away');
  expect(ids()).toBe('a b');
  expect(stream.begun).toBe(1);
  vi.runOnlyPendingTimers();
  expect([stream.begun, stream.following]).toEqual([2, 1]);
  expect(list.get().failure).toBe('the database is away');
  stream.nodes('b');
  expect(list.get().failure).toBeNull();
  expect(ids()).toBe('b');
  expect(heard).toBe(3);
  leave();
});

it('is not asked for again once nobody looks', () => {
  const { stream, list } = setUp();
  const leave = list.subscribe(() => {});
  stream.end('');
  expect(list.get().failure).toBe('They are not followed any more');
  leave();
  vi.runAllTimers();
  expect([stream.begun, stream.following]).toEqual([1, 0]);
});
