// What a wish for many nodes becomes: shares turned into numbers, and a random order that its stored seed gives again.
import { expect, it } from 'vitest';
import type { FanOutContext } from '../../machines/fan-out-context.ts';
import { newFanOut, shuffle } from './fan-out-creation.ts';
import { createIdSource } from './ids.ts';
import type { CreatorOptions } from './new-task.ts';
import type { FanOutDraft } from './supervisor.ts';
import { caller, draft } from './testing/test-bench.ts';

const NODES = Array.from({ length: 30 }, (_, index) => `web${index + 10}`);

function make(more: Partial<FanOutDraft>) {
  const selection = { nodes: NODES, selector: '', groups: [], all: false, exclude: [] };
  const options = {
    maxParallel: null,
    maxFailures: null,
    deadlineMs: null,
    order: 'given',
  } as const;
  const creator = {
    stamper: { now: () => 1_000, random: () => 0.25 },
    ids: createIdSource((count) => new Uint8Array(count)),
    supervisorId: 's',
  } as unknown as CreatorOptions;
  const wish = { ...draft(null), fanOut: { selection, ...options, ...more } };
  const [parent, ...children] = newFanOut(creator, wish, NODES, caller);
  if (parent === undefined) throw new Error('there is no parent');
  return {
    policy: (parent.record.snapshot.context as FanOutContext).fanOut,
    order: children.map((child) => {
      const { target } = child.record.snapshot.context;
      return target.kind === 'node' ? target.nodeId : '';
    }),
  };
}

it.each([
  [{ kind: 'percent', value: 10 }, 3],
  [{ kind: 'percent', value: 1 }, 1],
  [{ kind: 'percent', value: 11 }, 4],
  [{ kind: 'count', value: 7 }, 7],
] as const)('max_parallel %j of 30 nodes is %d', (maxParallel, number) => {
  expect(make({ maxParallel }).policy.maxParallel).toBe(number);
});

it.each([
  [{ kind: 'percent', value: 11 }, 3],
  [{ kind: 'percent', value: 1 }, 1],
  [{ kind: 'count', value: 2 }, 2],
] as const)('max_failures %j of 30 nodes is %d', (maxFailures, number) => {
  expect(make({ maxFailures }).policy.maxFailures).toBe(number);
});

it('has all nodes at once and no bound of failures where nothing was said, in the order given', () => {
  const { policy, order } = make({});
  expect(policy).toEqual({ maxParallel: 30, maxFailures: null, deadlineMs: null, seed: null });
  expect(order).toEqual(NODES);
});

it('starts in a random order that the stored seed gives again', () => {
  const { policy, order } = make({ order: 'random' });
  expect(order).not.toEqual(NODES);
  expect(order.toSorted()).toEqual(NODES);
  expect(shuffle(NODES, policy.seed ?? 0)).toEqual(order);
  expect(shuffle(NODES, (policy.seed ?? 0) + 1)).not.toEqual(order);
});
