/** The head of a queue: its order, its bound, and that nothing is forgotten between a read and what comes meanwhile. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TaskRecord } from '../../db/records.ts';
import { ReadyQueue } from './ready-queue.ts';

function ready(id: string, priority = 50, queuedAt = 0): TaskRecord {
  return { id, snapshot: { context: { policy: { priority }, queuedAt } } } as unknown as TaskRecord;
}

function drain(queue: ReadyQueue): string[] {
  const ids = [];
  for (let record = queue.take(); record !== undefined; record = queue.take()) ids.push(record.id);
  return ids;
}

function known(capacity?: number): ReadyQueue {
  const queue = new ReadyQueue(capacity);
  queue.beginRefill();
  queue.refill([], true);
  return queue;
}

describe('a ready queue', () => {
  it('orders by priority, then age, then id', () => {
    const queue = known();
    for (const record of [
      ready('d', 50, 2),
      ready('a', 1),
      ready('c', 50, 1),
      ready('b', 50, 1),
      ready('e', 99, 9),
    ]) {
      queue.add(record);
    }
    expect(queue.peek()?.id).toBe('e');
    expect(drain(queue)).toEqual(['e', 'b', 'c', 'd', 'a']);
  });

  it('takes a task once', () => {
    const queue = known();
    queue.add(ready('a'));
    queue.add(ready('a'));
    queue.refill([ready('a')], true);
    expect(drain(queue)).toEqual(['a']);
  });

  it('leaves the end of the queue to the database when it is full, and says so', () => {
    const queue = known(3);
    for (let index = 0; index < 5; index += 1) queue.add(ready(`${index}`, 50, index));
    expect(queue.mayHaveMore).toBe(true);
    queue.add(ready('first', 99));
    expect(drain(queue)).toEqual(['first', '0', '1']);
  });

  it('does not take for complete a read that may have come too early for a task', () => {
    const queue = new ReadyQueue();
    queue.beginRefill();
    queue.add(ready('late'));
    queue.refill([], true);
    expect(queue.mayHaveMore).toBe(true);
    queue.beginRefill();
    queue.refill([ready('late')], true);
    expect(queue.mayHaveMore).toBe(false);
  });

  it('hands out everything in order, however additions and reads interleave (I8)', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('add' as const), priority: fc.nat(3) }),
      fc.constant({ kind: 'take' as const }),
    );
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60 }),
        fc.integer({ min: 1, max: 5 }),
        (steps, capacity) => {
          const queue = known(capacity);
          const database = new Map<string, TaskRecord>();
          const taken: string[] = [];
          const take = () => {
            if (queue.size === 0 && queue.mayHaveMore) {
              queue.beginRefill();
              const head = [...database.values()].sort(compare).slice(0, capacity);
              queue.refill(head, database.size <= capacity);
            }
            const record = queue.take();
            if (record === undefined) return false;
            const best = [...database.values()].sort(compare)[0];
            expect(record.id).toBe(best?.id);
            database.delete(record.id);
            taken.push(record.id);
            return true;
          };
          steps.forEach((one, index) => {
            if (one.kind === 'take') return void take();
            const record = ready(`${1000 + index}`, one.priority, index);
            database.set(record.id, record);
            queue.add(record);
          });
          while (take());
          expect(database.size).toBe(0);
          expect(new Set(taken).size).toBe(taken.length);
        },
      ),
    );
  });
});

function compare(a: TaskRecord, b: TaskRecord): number {
  const { context: first } = a.snapshot;
  const { context: second } = b.snapshot;
  return (
    second.policy.priority - first.policy.priority || (first.queuedAt ?? 0) - (second.queuedAt ?? 0)
  );
}
