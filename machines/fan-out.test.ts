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

describe('every state of a fan-out', () => {
  const due = (deadlineAt: number) => ({ type: 'timer.fired', at: deadlineAt }) as const;
  const policy = { deadlineMs: 100, maxFailures: 2, maxParallel: 2 };
  const rolling = apply(start(4, policy), counted({ held: 2, active: 2 }, 'child-2'));
  const cancel = { type: 'cancel.requested', by: 'ann', note: '' } as const;
  const states: Readonly<Record<string, TaskSnapshot>> = {
    held: start(4, policy, { held: true }),
    delayed: start(4, policy, { startAt: NOW + 50 }),
    rolling,
    paused: apply(rolling, { type: 'pause.requested', by: 'ann', note: '' }),
    'stopping, cancelled': apply(rolling, cancel),
    'stopping, overdue': decided(rolling, due(NOW + 100)),
    'stopping, failing': apply(rolling, counted({ held: 2, failed: 2 })),
    completed: apply(rolling, counted({ completed: 4 })),
    failed: apply(rolling, counted({ completed: 3, failed: 1 })),
    timeout: apply(decided(rolling, due(NOW + 100)), counted({ completed: 1, cancelled: 3 })),
    cancelled: apply(rolling, cancel, counted({ completed: 1, cancelled: 3 })),
  };
  const bodies: Readonly<Record<string, TaskEventBody>> = {
    execute: { type: 'execute.requested', by: 'ann' },
    cancel,
    resolve: { type: 'resolve.requested', by: 'ann', note: '', resolution: 'lost' },
    pause: { type: 'pause.requested', by: 'ann', note: '' },
    resume: { type: 'resume.requested', by: 'ann' },
    'timer, early': { type: 'timer.fired' },
    'timer, due': { type: 'timer.fired' },
    'count, stale': counted({ held: 4 }),
    'count, the same': counted({ held: 2, active: 2 }),
    'count, more at work': counted({ held: 1, active: 3 }),
    'count, room for one': counted({ held: 1, active: 2, completed: 1 }, 'child-3'),
    'count, too many failures': counted({ held: 1, active: 1, failed: 2 }),
    'count, all completed': counted({ completed: 4 }),
    'count, one skipped': counted({ completed: 3, skipped: 1 }),
    'count, all skipped': counted({ skipped: 4 }),
    'count, one failed at last': counted({ completed: 3, failed: 1 }),
    'count, rest cancelled': counted({ completed: 1, cancelled: 3 }),
    'a report': { type: 'attempt.lost', attempt: 1, epoch: 1, why: '' },
    dispatched: { type: 'attempt.dispatched', nodeId: 'n1', epoch: 1, bootId: 'b1' },
    'a newer program': { type: 'machine.upgraded', fromVersion: 1, toVersion: 99 },
  };

  function decided(before: TaskSnapshot, event: TaskEventBody & { at: number }): TaskSnapshot {
    const decision = decideFanOut(before, { ...event, random: 0.5 });
    if (decision.kind !== 'transition') throw new Error(`${event.type} is ${decision.kind}`);
    return decision.snapshot;
  }

  it('answers every event as its table says', async () => {
    const rows = Object.entries(states).map(([name, before]) => {
      const cells = Object.entries(bodies).map(([event, body]) => {
        const at = event === 'timer, early' ? NOW + 1 : NOW + 100;
        const decision = decideFanOut(before, { ...body, at, random: 0.5 });
        const effects = decision.kind === 'transition' ? decision.effects : [];
        const what = decision.kind === 'transition' ? `→ ${decision.snapshot.path}` : decision.kind;
        return `  ${event.padEnd(26)}${[what, ...effects.map(({ type }) => `+${type}`)].join(' ')}`;
      });
      return `== ${name} (${before.path})\n${cells.join('\n')}\n`;
    });
    await expect(rows.join('\n')).toMatchFileSnapshot('./fan-out-outcomes.table.txt');
  });
});
