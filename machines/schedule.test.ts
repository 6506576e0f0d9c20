// The schedule machine: what a due time becomes, pause, resume and end, and that histories replay (I4, I10).
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type {
  ScheduleChange,
  ScheduleContext,
  ScheduleEvent,
  ScheduleInput,
} from './schedule-context.ts';
import { fireAt } from './schedule-context.ts';
import {
  ON_TIME_MS,
  createSchedule,
  decideSchedule,
  judgeDue,
  replaySchedule,
  scheduleWakeAt,
} from './schedule-decide.ts';
import type { DueFacts, ScheduleSnapshot } from './schedule-decide.ts';

const MINUTE = 60_000;

function inputOf(more: Partial<ScheduleInput> = {}): ScheduleInput {
  return {
    id: 's',
    timing: { kind: 'every', everyMs: MINUTE },
    startAt: null,
    endAt: null,
    jitterMs: 0,
    overlap: 'allow',
    missed: 'latest',
    missedWindowMs: 60 * MINUTE,
    seed: 7,
    createdAt: 0,
    nextAt: MINUTE,
    ...more,
  };
}

const fired = (dueAt: number, nextAt: number | null, more = {}): ScheduleEvent => ({
  type: 'schedule.fired',
  dueAt,
  isManual: false,
  fire: { kind: 'task', taskId: `t${dueAt}` },
  nextAt,
  at: dueAt,
  ...more,
});

const CHANGE: ScheduleChange = {
  timing: { kind: 'every', everyMs: 2 * MINUTE },
  startAt: null,
  endAt: 99 * MINUTE,
  jitterMs: 500,
  overlap: 'queue',
  missed: 'all',
  missedWindowMs: MINUTE,
};

const updated = (nextAt: number | null, more: object = {}): ScheduleEvent => ({
  type: 'schedule.updated',
  by: 'me',
  change: CHANGE,
  isTaskChanged: false,
  nextAt,
  droppedDueAt: null,
  at: 1,
  ...more,
});

describe('a schedule', () => {
  it('is changed in every state, and begins again when something is due after its end', () => {
    const after = (before: ScheduleSnapshot, ...events: ScheduleEvent[]) => {
      let snapshot = before;
      for (const event of events) {
        const decision = decideSchedule(snapshot, event);
        if (decision.kind === 'refused') throw decision.error;
        snapshot = decision.snapshot;
      }
      return snapshot;
    };
    const active = createSchedule(inputOf());
    const dropped = updated(8 * MINUTE, { droppedDueAt: MINUTE });
    expect(after(active, dropped)).toMatchObject({
      path: 'active',
      context: { ...CHANGE, nextAt: 8 * MINUTE, skipped: 1, fired: 0 },
    });
    const pause = { type: 'pause.requested', by: 'me', note: 'x', at: 1 } as const;
    expect(after(active, pause, updated(null))).toMatchObject({
      path: 'paused',
      context: { ...CHANGE, nextAt: null, note: 'x' },
    });
    const ended = after(active, fired(MINUTE, null));
    expect(after(ended, updated(null)).path).toBe('ended');
    expect(after(ended, updated(8 * MINUTE))).toMatchObject({
      path: 'active',
      context: { nextAt: 8 * MINUTE, fired: 1 },
    });
  });

  it('fires each due time once: a second fire of the same one is refused (I10)', () => {
    const first = decideSchedule(createSchedule(inputOf()), fired(MINUTE, 2 * MINUTE));
    if (first.kind !== 'transition') throw first.error;
    expect(first.snapshot).toMatchObject({
      path: 'active',
      context: { nextAt: 2 * MINUTE, fired: 1, lastTaskId: 't60000' },
    });
    expect(decideSchedule(first.snapshot, fired(MINUTE, 2 * MINUTE)).kind).toBe('refused');
    expect(decideSchedule(first.snapshot, fired(3 * MINUTE, null)).kind).toBe('refused');
  });

  it('ends when nothing is due any more, and can be fired by hand then', () => {
    const ended = decideSchedule(createSchedule(inputOf()), fired(MINUTE, null));
    if (ended.kind !== 'transition') throw ended.error;
    expect([ended.snapshot.path, scheduleWakeAt(ended.snapshot)]).toEqual(['ended', null]);
    const manual = decideSchedule(ended.snapshot, fired(5, null, { isManual: true }));
    expect(manual).toMatchObject({
      kind: 'transition',
      snapshot: { path: 'ended', context: { fired: 2 } },
    });
    expect(createSchedule(inputOf({ nextAt: null })).path).toBe('ended');
  });

  it('is silent while it is paused, and goes on from then', () => {
    const paused = decideSchedule(createSchedule(inputOf()), {
      type: 'pause.requested',
      by: 'me',
      note: 'freeze',
      at: 1,
    });
    if (paused.kind !== 'transition') throw paused.error;
    expect([paused.snapshot.context.note, scheduleWakeAt(paused.snapshot)]).toEqual([
      'freeze',
      null,
    ]);
    expect(decideSchedule(paused.snapshot, fired(MINUTE, null)).kind).toBe('refused');
    const resumed = decideSchedule(paused.snapshot, {
      type: 'resume.requested',
      by: 'me',
      nextAt: 9 * MINUTE,
      at: 2,
    });
    expect(resumed).toMatchObject({
      snapshot: { path: 'active', context: { nextAt: 9 * MINUTE, note: '' } },
    });
    const twice = decideSchedule(createSchedule(inputOf()), {
      type: 'resume.requested',
      by: 'me',
      nextAt: 1,
      at: 1,
    });
    expect(twice.kind === 'refused' && twice.error.message).toContain(
      'it is active; only a paused one',
    );
  });

  it('replays to the same snapshot, whatever happened (I4)', () => {
    const event = fc.oneof(
      fc
        .tuple(fc.nat(5), fc.option(fc.nat(5)), fc.boolean())
        .map(([due, next, isManual]) =>
          fired(due * MINUTE, next === null ? null : next * MINUTE, { isManual }),
        ),
      fc.constant<ScheduleEvent>({ type: 'pause.requested', by: 'me', note: 'x', at: 1 }),
      fc.option(fc.nat(5)).map<ScheduleEvent>((next) => ({
        type: 'resume.requested',
        by: 'me',
        nextAt: next === null ? null : next * MINUTE,
        at: 1,
      })),
      fc.tuple(fc.option(fc.nat(5)), fc.nat(3), fc.boolean()).map(([next, every, isDropped]) =>
        updated(next === null ? null : next * MINUTE, {
          change: { ...CHANGE, timing: { kind: 'every', everyMs: (every + 1) * MINUTE } },
          droppedDueAt: isDropped ? MINUTE : null,
        }),
      ),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 20 }), (events) => {
        let snapshot = createSchedule(inputOf());
        const committed: ScheduleEvent[] = [];
        for (const one of events) {
          const decision = decideSchedule(snapshot, one);
          if (decision.kind === 'refused') continue;
          committed.push(JSON.parse(JSON.stringify(one)) as ScheduleEvent);
          snapshot = decision.snapshot;
        }
        expect(replaySchedule(createSchedule(inputOf()), committed)).toEqual(snapshot);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a due time', () => {
  const judge = (more: Partial<ScheduleInput>, facts: Partial<DueFacts>) =>
    judgeDue(createSchedule(inputOf(more)).context as ScheduleContext, {
      now: MINUTE,
      dueAt: MINUTE,
      nextAt: 2 * MINUTE,
      isFormerOpen: false,
      isManual: false,
      ...facts,
    });
  const LATE = MINUTE + ON_TIME_MS + 1;

  it.each([
    [{ overlap: 'allow' }, 'fire'],
    [{ overlap: 'forbid' }, 'skip'],
    [{ overlap: 'replace' }, 'replace'],
    [{ overlap: 'queue' }, 'wait'],
  ] as const)('with %j and the former task open: %s', (more, kind) => {
    expect(judge(more, { isFormerOpen: true }).kind).toBe(kind);
    expect(judge(more, {}).kind).toBe('fire');
  });

  it.each([
    [{ missed: 'skip' }, { now: LATE }, 'skip'],
    [{ missed: 'skip' }, { now: LATE - 1 }, 'fire'],
    [{ missed: 'latest' }, { now: LATE }, 'skip'],
    [{ missed: 'latest' }, { now: LATE, nextAt: 3 * MINUTE }, 'fire'],
    [{ missed: 'latest' }, { now: LATE, nextAt: null }, 'fire'],
    [{ missed: 'all' }, { now: LATE }, 'fire'],
    [{ missed: 'all' }, { now: 62 * MINUTE }, 'skip'],
    [{ missed: 'skip' }, { now: 62 * MINUTE, isManual: true }, 'fire'],
  ] as const)('with %j at %j: %s', (more, facts, kind) => {
    expect(judge(more, facts).kind).toBe(kind);
  });

  it('comes with jitter within its bound, the same for everybody', () => {
    const input = inputOf({ jitterMs: 1_000 });
    const times = Array.from({ length: 200 }, (_, n) => fireAt(input, n * MINUTE) - n * MINUTE);
    expect(times).toEqual(
      Array.from({ length: 200 }, (_, n) => fireAt(input, n * MINUTE) - n * MINUTE),
    );
    expect(Math.min(...times)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...times)).toBeLessThanOrEqual(1_000);
    expect(new Set(times).size).toBeGreaterThan(150);
  });
});

describe('every state of a schedule', () => {
  const pause = { type: 'pause.requested', by: 'ann', note: '', at: MINUTE } as const;
  const resume = (nextAt: number | null) =>
    ({ type: 'resume.requested', by: 'ann', nextAt, at: MINUTE }) as const;
  const after = (...events: ScheduleEvent[]) =>
    events.reduce((snapshot, event) => {
      const decision = decideSchedule(snapshot, event);
      if (decision.kind !== 'transition') throw new Error(decision.error.message);
      return decision.snapshot;
    }, createSchedule(inputOf()));
  const states = { active: after(), paused: after(pause), ended: after(fired(MINUTE, null)) };
  const manual = { isManual: true };
  const skipped = { fire: { kind: 'skipped', why: 'late' } };
  const events: Readonly<Record<string, ScheduleEvent>> = {
    'fired, next to come': fired(MINUTE, 2 * MINUTE),
    'fired, the last time': fired(MINUTE, null),
    'skipped, next to come': fired(MINUTE, 2 * MINUTE, skipped),
    'fired, at another time': fired(7 * MINUTE, 8 * MINUTE),
    'fired by hand': fired(MINUTE + 1, 2 * MINUTE, manual),
    'skipped by hand': fired(MINUTE + 1, 2 * MINUTE, { ...manual, ...skipped }),
    pause,
    'resume, due later': resume(2 * MINUTE),
    'resume, never due': resume(null),
  };

  it('answers every event as its table says', async () => {
    const rows = Object.entries(states).map(([name, before]) => {
      const cells = Object.entries(events).map(([event, body]) => {
        const decision = decideSchedule(before, body);
        if (decision.kind !== 'transition') return `  ${event.padEnd(26)}${decision.kind}`;
        const { path, context } = decision.snapshot;
        return `  ${event.padEnd(26)}→ ${path}, fired ${context.fired}, skipped ${context.skipped}`;
      });
      return `== ${name}\n${cells.join('\n')}\n`;
    });
    await expect(rows.join('\n')).toMatchFileSnapshot('./schedule-outcomes.table.txt');
  });
});
