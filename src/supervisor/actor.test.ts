/**
 * One turn of an actor: consecutive versions, and snapshots of other machine versions.
 */
import { describe, expect, it } from 'vitest';
import type { TaskRecord } from '../../db/records.ts';
import { createTask } from '../../machines/decide.ts';
import type { SnapshotVersions } from '../../machines/snapshot.ts';
import { DEFAULT_TASK_POLICY } from '../../machines/task-context.ts';
import type { TaskContext } from '../../machines/task-context.ts';
import { takeTurn } from './actor.ts';

const ID = '01900000-0000-7000-8000-000000000001';
const stamper = { now: () => 2_000, random: () => 0.5 };

/** A second version of the machine, whose context says `note` where the first had nothing. */
const twoVersions: SnapshotVersions = {
  machine: 'task',
  current: 2,
  steps: {
    1: ({ path, context }) => ({
      path,
      context: { ...(context as TaskContext), note: 'upgraded' },
    }),
  },
};

function heldTask(machineVersion = 1): TaskRecord {
  const { snapshot } = createTask({
    id: ID,
    target: { kind: 'any' },
    policy: DEFAULT_TASK_POLICY,
    held: true,
    startAt: null,
    createdAt: 1_000,
  });
  return {
    id: ID,
    version: 1,
    machineVersion,
    snapshot,
    name: 'test',
    type: 'script',
    labels: {},
    creator: 'test',
    parentId: null,
    scheduleId: null,
    specId: ID,
    createdAt: 1_000,
    updatedAt: 1_000,
  };
}

const execute = { type: 'execute.requested', by: 'test' } as const;
const cancel = { type: 'cancel.requested', by: 'test', note: '' } as const;

describe('a turn', () => {
  it('takes several events under consecutive versions and one update (I4)', () => {
    const turn = takeTurn(heldTask(), [execute, cancel], stamper, 'one');
    expect(turn.transitions.map(({ version, toPath }) => [version, toPath])).toEqual([
      [2, 'pending.queued'],
      [3, 'cancelled'],
    ]);
    expect(turn.update).toMatchObject({ expectedVersion: 1, snapshot: { path: 'cancelled' } });
    expect(turn.outcomes.map((outcome) => outcome.kind)).toEqual(['transition', 'transition']);
  });

  it('answers a refused command and goes on with the next event', () => {
    const turn = takeTurn(heldTask(), [execute, execute, cancel], stamper, 'one');
    expect(turn.outcomes.map((outcome) => outcome.kind)).toEqual([
      'transition',
      'refused',
      'transition',
    ]);
    expect(turn.transitions).toHaveLength(2);
  });

  it('upgrades a snapshot of an older machine first, as a transition of its own (I4)', () => {
    const turn = takeTurn(heldTask(), [execute], stamper, 'one', twoVersions);
    expect(turn.transitions.map(({ event, version }) => [version, event.type])).toEqual([
      [2, 'machine.upgraded'],
      [3, 'execute.requested'],
    ]);
    expect(turn.update?.machineVersion).toBe(2);
    expect(turn.update?.snapshot.context).toMatchObject({ note: 'upgraded' });
    expect(turn.outcomes.map((outcome) => outcome.kind)).toEqual(['transition']);
  });

  it('refuses a snapshot of a newer machine and leaves it untouched', () => {
    const newer = heldTask(3);
    const before = structuredClone(newer);
    expect(() => takeTurn(newer, [execute], stamper, 'one', twoVersions)).toThrow(
      expect.objectContaining({ kind: 'snapshot_too_new' }),
    );
    expect(newer).toEqual(before);
  });
});
