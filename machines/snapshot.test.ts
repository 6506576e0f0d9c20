// Snapshots of former and of newer versions of a machine, told by a small machine of three versions.

import { describe, expect, it } from 'vitest';
import { MusterError } from './errors.ts';
import { upgradeSnapshot } from './snapshot.ts';
import type { SnapshotVersions, StoredSnapshot } from './snapshot.ts';

/** Version 1 counted seconds, 2 counts ms, 3 has renamed its state. */
const LAMP: SnapshotVersions = {
  machine: 'lamp',
  current: 3,
  steps: {
    1: ({ path, context }: StoredSnapshot<{ seconds: number }>) => ({
      path,
      context: { ms: context.seconds * 1_000 },
    }),
    2: ({ path, context }: StoredSnapshot<{ ms: number }>) => ({
      path: path === 'lit' ? 'on' : path,
      context,
    }),
  },
};

function faultOf(call: () => unknown): MusterError {
  try {
    call();
  } catch (error) {
    if (error instanceof MusterError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('upgradeSnapshot', () => {
  it('takes an old snapshot through every step up to the current version', () => {
    const stored = Object.freeze({ path: 'lit', context: Object.freeze({ seconds: 2 }) });
    expect(upgradeSnapshot(LAMP, stored, 1)).toEqual({ path: 'on', context: { ms: 2_000 } });
    expect(stored).toEqual({ path: 'lit', context: { seconds: 2 } });
  });

  it('begins with the step of the stored version', () => {
    const stored = { path: 'lit', context: { ms: 7 } };
    expect(upgradeSnapshot(LAMP, stored, 2)).toEqual({ path: 'on', context: { ms: 7 } });
  });

  it('stops at an earlier version where a history did', () => {
    const stored = { path: 'lit', context: { seconds: 2 } };
    expect(upgradeSnapshot(LAMP, stored, 1, 2)).toEqual({ path: 'lit', context: { ms: 2_000 } });
  });

  it('returns a current snapshot as it is', () => {
    const stored = { path: 'on', context: { ms: 7 } };
    expect(upgradeSnapshot(LAMP, stored, 3)).toBe(stored);
  });

  it('refuses the snapshot of a newer program and leaves it untouched', () => {
    const stored = Object.freeze({ path: 'dimmed', context: Object.freeze({ lumen: 4 }) });
    const fault = faultOf(() => upgradeSnapshot(LAMP, stored, 4));
    expect(fault.kind).toBe('snapshot_too_new');
    expect(fault.message).toBe(
      'Cannot read a snapshot of the lamp machine: it has version 4, and this program knows up to 3; ' +
        'use the newer Muster that wrote it',
    );
    expect(stored).toEqual({ path: 'dimmed', context: { lumen: 4 } });
  });

  it('refuses to go to a version that this program does not know', () => {
    const stored = { path: 'on', context: { ms: 7 } };
    expect(faultOf(() => upgradeSnapshot(LAMP, stored, 3, 4)).kind).toBe('snapshot_too_new');
  });

  it('fails where a step is missing instead of skipping it', () => {
    const { 1: first } = LAMP.steps;
    const gap = { ...LAMP, steps: { 1: first as NonNullable<typeof first> } };
    const fault = faultOf(() => upgradeSnapshot(gap, { path: 'lit', context: { seconds: 1 } }, 1));
    expect(fault.kind).toBe('internal');
    expect(fault.message).toContain('from version 2');
    expect(faultOf(() => upgradeSnapshot(LAMP, { path: 'lit', context: {} }, 0)).kind).toBe(
      'internal',
    );
  });
});
