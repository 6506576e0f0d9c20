// Replaying histories: whole ones, damaged ones, and ones that an upgrade of the machine divides (I4).

import { describe, expect, it } from 'vitest';
import { createTask, decideTask } from './decide.ts';
import type { Decision, TaskSnapshot } from './decide.ts';
import { replayTask } from './replay.ts';
import type { TaskVersions } from './replay.ts';
import { taskInput } from './task-cases.ts';
import type { TaskInput } from './task-context.ts';
import type { TaskEvent } from './task-events.ts';
import { follow } from './task-walk.ts';

const INPUT = taskInput({ maxAttempts: 2 });
const STORY = [
  'dispatched',
  'started, current',
  'exited, code 7',
  'timer due',
  'dispatched',
  'session new, holds it executing',
  'exited, code 0',
];

describe('replayTask', () => {
  it('comes to the snapshot that the task has (I4)', () => {
    const { events, last } = follow(INPUT, STORY);
    const { snapshots, problem } = replayTask(INPUT, events);
    expect(problem).toBeNull();
    expect(snapshots).toHaveLength(STORY.length + 1);
    expect(snapshots.at(-1)).toStrictEqual(last);
    expect(last.path).toBe('completed');
  });

  it('says where an event is missing', () => {
    const { events } = follow(INPUT, STORY);
    const { problem, snapshots } = replayTask(INPUT, events.toSpliced(0, 1));
    expect(problem).toBe('version 2: attempt.started is no transition of pending.queued');
    expect(snapshots).toHaveLength(1);
  });

  it('comes to another snapshot when an event was changed', () => {
    const { events, last } = follow(INPUT, STORY);
    const changed = events.map((event) => ({ ...event, at: event.at + 1 }));
    expect(replayTask(INPUT, changed).snapshots.at(-1)).not.toEqual(last);
  });

  it('stops at an event after the end (I1)', () => {
    const { events } = follow(INPUT, STORY);
    const again = [...events, events.at(-1) as TaskEvent];
    expect(replayTask(INPUT, again).problem).toBe(
      'version 9: attempt.exited is no transition of completed',
    );
  });
});

/** A task machine whose versions 1 and 2 do the same under other names, and 3 says who cancelled. */
const VERSIONS: TaskVersions = {
  machine: 'task',
  current: 3,
  steps: {
    1: ({ path, context }) => ({ path: path === 'new' ? 'pending.queued' : path, context }),
    2: ({ path, context }) => ({ path, context: { ...(context as object), message: 'upgraded' } }),
  },
  behaviours: {
    1: behaviour('new', ''),
    2: behaviour('pending.queued', ''),
    3: behaviour('pending.queued', 'cancelled by version 3'),
  },
};

function behaviour(firstPath: string, message: string) {
  return {
    create: (input: TaskInput): TaskSnapshot => ({
      ...createTask(input).snapshot,
      path: firstPath,
    }),
    decide(before: TaskSnapshot, event: TaskEvent): Decision {
      if (event.type !== 'cancel.requested') return { kind: 'ignored' };
      const context = message === '' ? before.context : { ...before.context, message };
      return { kind: 'transition', snapshot: { path: 'cancelled', context }, effects: [] };
    },
  };
}

const CANCEL: TaskEvent = { type: 'cancel.requested', by: 'ann', note: '', at: 2, random: 0 };

function upgraded(fromVersion: number, toVersion: number): TaskEvent {
  return { type: 'machine.upgraded', fromVersion, toVersion, at: 1, random: 0 };
}

function replay(events: readonly TaskEvent[], storedVersion: number, versions = VERSIONS) {
  const { snapshots, problem } = replayTask(INPUT, events, storedVersion, versions);
  return {
    problem,
    path: snapshots.map(({ path }) => path),
    message: snapshots.at(-1)?.context.message,
  };
}

describe('replayTask over upgrades of the machine', () => {
  it('applies each event by the machine of its time, and the upgrade by its steps (I4)', () => {
    expect(replay([upgraded(1, 3), CANCEL], 3)).toEqual({
      problem: null,
      path: ['new', 'pending.queued', 'cancelled'],
      message: 'cancelled by version 3',
    });
  });

  it('goes through several upgrades, the last of them in a final state', () => {
    expect(replay([upgraded(1, 2), CANCEL, upgraded(2, 3)], 3)).toEqual({
      problem: null,
      path: ['new', 'pending.queued', 'cancelled', 'cancelled'],
      message: 'upgraded',
    });
  });

  it('replays a task that nobody has upgraded by the version it is stored under', () => {
    expect(replay([CANCEL], 1).path).toEqual(['new', 'cancelled']);
  });

  it.each([
    [
      'a version whose behaviour is gone',
      [CANCEL],
      0,
      'version 1: this program cannot replay version 0',
    ],
    [
      'an upgrade from another version',
      [upgraded(1, 2), upgraded(1, 3)],
      3,
      'version 3: the upgrade begins at',
    ],
    [
      'an upgrade to a newer program',
      [upgraded(1, 4)],
      4,
      'version 2: Cannot read a snapshot of the task',
    ],
    [
      'a history that ends with another version',
      [upgraded(1, 2)],
      3,
      'version 3: the history ends with',
    ],
    [
      'an upgrade that is none',
      [upgraded(2, 2)],
      2,
      'version 2: machine.upgraded is no transition',
    ],
  ])('stops at %s', (_, events, storedVersion, problem) => {
    expect(replay(events, storedVersion).problem).toContain(problem);
  });

  it('stops where a step is missing', () => {
    const { 1: first } = VERSIONS.steps;
    const versions = { ...VERSIONS, steps: { 1: first as NonNullable<typeof first> } };
    expect(replay([upgraded(1, 3)], 3, versions).problem).toContain(
      'There is no upgrade of the task',
    );
  });
});

describe('decideTask and upgrades', () => {
  it('refuses the snapshot of a newer program with its kind', () => {
    const { snapshot } = createTask(INPUT);
    for (const event of [upgraded(1, 2), upgraded(2, 1)]) {
      const decision = decideTask(snapshot, event);
      expect(decision).toMatchObject({ kind: 'refused', error: { kind: 'snapshot_too_new' } });
    }
  });

  it('ignores an upgrade to the version that the task has', () => {
    expect(decideTask(createTask(INPUT).snapshot, upgraded(1, 1))).toEqual({ kind: 'ignored' });
  });
});
