/** Tests of the order of live lists. */
import { expect, test } from 'vitest';
import { applyChange } from './apply-change.ts';
import { keepOrder } from './stable-order.ts';

const never = () => {
  throw new Error('no order is needed');
};

test('the first rows stand in the order that was chosen', () => {
  expect(keepOrder(null, new Set(['a', 'b']), () => ['b', 'a'])).toEqual({
    ids: ['b', 'a'],
    waiting: 0,
  });
});

test('rows stay where they are, what is gone leaves, and what is new waits', () => {
  expect(keepOrder(['c', 'b', 'a'], new Set(['a', 'c', 'd', 'e']), never)).toEqual({
    ids: ['c', 'a'],
    waiting: 2,
  });
});

test('nothing waits for an empty list', () => {
  expect(keepOrder([], new Set(['a']), () => ['a'])).toEqual({ ids: ['a'], waiting: 0 });
});

const idOf = ({ id }: { readonly id: string }) => id;

test('the first message of a subscription replaces all, a later one changes what differs', () => {
  const before = new Map([['gone', { id: 'gone', n: 1 }]]);
  const whole = applyChange(before, { changed: [{ id: 'a', n: 1 }], deletedIds: [] }, true, idOf);
  expect([...whole.keys()]).toEqual(['a']);
  const next = applyChange(
    whole,
    {
      changed: [
        { id: 'b', n: 1 },
        { id: 'a', n: 2 },
      ],
      deletedIds: ['b'],
    },
    false,
    idOf,
  );
  expect([...next.values()]).toEqual([{ id: 'a', n: 2 }]);
  expect(whole.get('a')?.n).toBe(1);
});
