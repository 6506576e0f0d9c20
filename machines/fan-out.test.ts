// The fan-out machine: what it releases, when it stops, how it ends, and that stale counts do no harm.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFanOut, decideFanOut, fanOutWakeAt } from './fan-out-decide.ts';
import type { ChildCounts, FanOutContext, FanOutPolicy } from './fan-out-context.ts';
import { isFinalPath } from './decide.ts';
import type { TaskSnapshot } from './decide.ts';
import { replayTask, versionsOf } from './replay.ts';
import { DEFAULT_TASK_POLICY } from './task-context.ts';
import type { TaskEvent, TaskEventBody } from './task-events.ts';
import { FAN_OUT_MACHINE_VERSION } from './fan-out.ts';

const NOW = 1_000;

function inputOf(total: number, policy: Partial<FanOutPolicy> = {}, more = {}) {
  return {
    id: 'parent',
    target: { kind: 'any' },
    policy: DEFAULT_TASK_POLICY,
    held: false,
    startAt: null,
    createdAt: NOW,
    fanOut: { maxParallel: 2, maxFailures: null, deadlineMs: null, seed: null, ...policy },
    total,
    ...more,
  } as const;
}

const stamp = (body: TaskEventBody, at = NOW): TaskEvent => ({ ...body, at, random: 0.5 });

function counted(counts: Partial<ChildCounts>, releaseUntil: string | null = null): TaskEventBody {
  const none = { held: 0, active: 0, completed: 0, failed: 0, timeout: 0, cancelled: 0 };
  return { type: 'children.counted', counts: { ...none, ...counts }, releaseUntil };
}

function apply(before: TaskSnapshot, ...bodies: TaskEventBody[]): TaskSnapshot {
  return bodies.reduce((snapshot, body) => {
    const decision = decideFanOut(snapshot, stamp(body));
    return decision.kind === 'transition' ? decision.snapshot : snapshot;
  }, before);
}

const start = (total = 4, policy: Partial<FanOutPolicy> = {}, more = {}) =>
  createFanOut(inputOf(total, policy, more)).snapshot;

const contextOf = (snapshot: TaskSnapshot) => snapshot.context as FanOutContext;

describe('a fan-out', () => {
  it('rolls at once, asks the host to roll it out, and releases what a count leaves room for', () => {
    const { snapshot, effects } = createFanOut(inputOf(4));
    expect(snapshot.path).toBe('running.rolling');
    expect(effects).toEqual([{ type: 'rollOut', params: { taskId: 'parent' } }]);
    const decision = decideFanOut(snapshot, stamp(counted({ held: 4 }, 'child-2')));
    expect(decision).toMatchObject({
      kind: 'transition',
      snapshot: { path: 'running.rolling', context: { cursor: 'child-2' } },
      effects: [{ type: 'rollOut' }],
    });
  });

  it('is held or delayed first where that was asked for', () => {
    const held = start(2, {}, { held: true });
    expect(held.path).toBe('pending.held');
    expect(apply(held, { type: 'execute.requested', by: 'me' }).path).toBe('running.rolling');
    const later = start(2, {}, { startAt: NOW + 5 });
    expect([later.path, fanOutWakeAt(later)]).toEqual(['pending.delayed', NOW + 5]);
    const due = decideFanOut(later, stamp({ type: 'timer.fired' }, NOW + 5));
    expect(due).toMatchObject({ kind: 'transition', snapshot: { path: 'running.rolling' } });
  });

  it.each([
    [{ completed: 4 }, [], 'completed', null],
    [{ completed: 3, failed: 1 }, [], 'failed', 'children_failed'],
    [{ completed: 3, cancelled: 1 }, [], 'failed', 'children_failed'],
    [{ completed: 1, cancelled: 3 }, ['cancel'], 'cancelled', 'cancelled'],
    [{ completed: 4 }, ['cancel'], 'completed', null],
    [{ completed: 1, cancelled: 3 }, ['deadline'], 'timeout', 'timeout'],
  ] as const)('with %j after %j ends as %s', (counts, before, path, reason) => {
    let snapshot = start(4, { deadlineMs: 10 });
    for (const what of before) {
      const body: TaskEventBody =
        what === 'cancel'
          ? { type: 'cancel.requested', by: 'me', note: '' }
          : { type: 'timer.fired' };
      const decision = decideFanOut(snapshot, stamp(body, NOW + 10));
      if (decision.kind !== 'transition') throw new Error(decision.kind);
      expect(decision.effects).toEqual([{ type: 'rollOut', params: { taskId: 'parent' } }]);
      snapshot = decision.snapshot;
    }
    const ended = apply(snapshot, counted(counts));
    expect([ended.path, ended.context.reason]).toEqual([path, reason]);
  });

  it('starts no child after too many failures, and ends when those under way have (I7)', () => {
    const rolling = apply(start(6, { maxFailures: 2 }), counted({ held: 4, active: 2 }, 'child-2'));
    const failing = apply(rolling, counted({ held: 3, active: 1, failed: 2 }, 'child-3'));
    expect([failing.path, contextOf(failing).cursor]).toEqual(['running.stopping', 'child-2']);
    const same = apply(failing, counted({ held: 3, active: 1, failed: 2 }, 'child-3'));
    expect(contextOf(same).cursor).toBe('child-2');
    const ended = apply(failing, counted({ completed: 1, failed: 2, cancelled: 3 }));
    expect([ended.path, ended.context.reason]).toEqual(['failed', 'max_failures']);
    expect(ended.context.message).toBe(
      '1 of 6 completed, 2 failed, 3 cancelled; stopped after too many failures',
    );
  });

  it('releases nothing while it is paused, and goes on when it is resumed', () => {
    const paused = apply(start(), { type: 'pause.requested', by: 'me', note: '' });
    expect(paused.path).toBe('running.paused');
    expect(contextOf(apply(paused, counted({ held: 4 }, 'child-2'))).cursor).toBeNull();
    const resumed = decideFanOut(paused, stamp({ type: 'resume.requested', by: 'me' }));
    expect(resumed).toMatchObject({
      snapshot: { path: 'running.rolling' },
      effects: [{ type: 'rollOut' }],
    });
    expect(apply(paused, counted({ completed: 4 })).path).toBe('completed');
  });

  it('ignores a count that is older than what it knows, and a release that is behind the cursor', () => {
    const known = apply(start(), counted({ held: 1, active: 1, completed: 2 }, 'child-3'));
    for (const stale of [
      counted({ held: 3, active: 1 }, 'child-9'),
      counted({ held: 1, active: 1, completed: 2 }, 'child-2'),
    ]) {
      expect(decideFanOut(known, stamp(stale)).kind).toBe('ignored');
    }
  });

  it('names the state in what it refuses', () => {
    const kinds: [TaskEventBody, string][] = [
      [{ type: 'execute.requested', by: 'me' }, 'only a held one can be executed'],
      [{ type: 'resume.requested', by: 'me' }, 'only a paused one can be resumed'],
      [
        { type: 'resolve.requested', by: 'me', note: '', resolution: 'lost' },
        'resolve its children',
      ],
    ];
    for (const [body, rule] of kinds) {
      const decision = decideFanOut(start(), stamp(body));
      expect(decision.kind === 'refused' && decision.error.message).toContain(rule);
      expect(decision.kind === 'refused' && decision.error.message).toContain(
        'it is running.rolling',
      );
    }
  });

  const counts = fc.record({
    held: fc.nat(4),
    active: fc.nat(4),
    completed: fc.nat(4),
    failed: fc.nat(4),
    timeout: fc.nat(4),
    cancelled: fc.nat(4),
  });
  const bodies: fc.Arbitrary<TaskEventBody> = fc.oneof(
    fc.record({
      type: fc.constant('children.counted' as const),
      counts,
      releaseUntil: fc.option(fc.constantFrom('a', 'b', 'c')),
    }),
    fc.constant({ type: 'cancel.requested', by: 'me', note: '' } as const),
    fc.constant({ type: 'pause.requested', by: 'me', note: '' } as const),
    fc.constant({ type: 'resume.requested', by: 'me' } as const),
    fc.constant({ type: 'execute.requested', by: 'me' } as const),
    fc.constant({ type: 'timer.fired' } as const),
    fc.constant({ type: 'attempt.lost', attempt: 1, epoch: 1, why: '' } as const),
  );

  it('never leaves a final state, never moves its cursor back, and replays to the same snapshot (I1, I4, I7)', () => {
    fc.assert(
      fc.property(fc.array(bodies, { maxLength: 30 }), (sequence) => {
        const input = inputOf(4, { maxFailures: 3, deadlineMs: 5 });
        let snapshot = createFanOut(input).snapshot;
        const events: TaskEvent[] = [];
        for (const [index, body] of sequence.entries()) {
          const event = stamp(body, NOW + index);
          const decision = decideFanOut(snapshot, event);
          if (decision.kind !== 'transition') continue;
          expect(isFinalPath(snapshot.path)).toBe(false);
          const [before, after] = [contextOf(snapshot).cursor, contextOf(decision.snapshot).cursor];
          expect((after ?? '') >= (before ?? '')).toBe(true);
          if (snapshot.path !== 'running.rolling') expect(after).toBe(before);
          events.push(JSON.parse(JSON.stringify(event)) as TaskEvent);
          snapshot = decision.snapshot;
        }
        const replay = replayTask(input, events, FAN_OUT_MACHINE_VERSION, versionsOf('fan_out'));
        expect(replay.problem).toBeNull();
        expect(replay.snapshots.at(-1)).toEqual(snapshot);
      }),
      { numRuns: 2_000 },
    );
  });
});
