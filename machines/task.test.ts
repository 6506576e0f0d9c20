// Every reachable state of the task machine against every kind of event, and what must hold between the states.
// After a wanted change: `vitest run machines/task.test.ts --update` writes the table anew; the difference is to be read.

import { describe, expect, it } from 'vitest';
import { isFinalPath, wakeAt } from './decide.ts';
import { renderTable, walkTaskMachine } from './task-walk.ts';
import type { Visit } from './task-walk.ts';

const visits = walkTaskMachine();

/** Who must do the next thing where no time wakes the task. */
const WAITS_FOR: Record<string, string> = {
  'pending.held': 'the user',
  'pending.queued': 'the scheduler',
  'running.dispatched': 'the agent, else the loss of its session',
  'running.stopping': 'the agent, else the loss of its session',
};

/** Everything that can be reached from a configuration by some of the variants. */
function reachableFrom(start: Visit, isAllowed: (variant: string) => boolean): Visit[] {
  const found = new Set([start.configuration]);
  for (const configuration of found) {
    for (const [variant, targets] of visits.get(configuration)?.targets ?? []) {
      if (isAllowed(variant)) for (const target of targets) found.add(target);
    }
  }
  return [...found].map((configuration) => visits.get(configuration) as Visit);
}

const open = [...visits.values()].filter(({ example }) => !isFinalPath(example.path));

describe('task machine', () => {
  it('does in every state what its table says', async () => {
    await expect(renderTable(visits)).toMatchFileSnapshot('./task-outcomes.table.txt');
  });

  it('can reach a final state from every state (I1)', () => {
    for (const visit of open) {
      const ends = reachableFrom(visit, () => true).filter(({ example }) =>
        isFinalPath(example.path),
      );
      expect(ends, visit.configuration).not.toEqual([]);
    }
  });

  it('waits, in every state, for a time or for a named party (I1)', () => {
    for (const { configuration, example } of visits.values()) {
      // One that will not wait for its node waits for the scheduler all the same.
      const isTimed = wakeAt(example) !== null && example.path !== 'pending.queued';
      const isNamed = WAITS_FOR[example.path] !== undefined;
      expect([isTimed, isNamed].filter(Boolean), configuration).toHaveLength(
        isFinalPath(example.path) ? 0 : 1,
      );
    }
  });

  it('does something when the time has come that it waits for', () => {
    for (const { configuration, example, targets } of open) {
      const due = example.path === 'pending.queued' ? 'target offline' : 'timer due';
      if (wakeAt(example) !== null) expect(targets.has(due), configuration).toBe(true);
      expect(targets.has('timer too early'), configuration).toBe(false);
    }
  });

  it('leaves running without a word from the agent, by the loss of its session and by time (I1, I9)', () => {
    for (const visit of open) {
      const path = reachableFrom(
        visit,
        (variant) => variant === 'session lost, the same' || variant === 'timer due',
      );
      const isLeft = path.some(({ example }) => !example.path.startsWith('running.'));
      expect(isLeft, visit.configuration).toBe(true);
    }
  });

  it('is cancelled, or on its way to be, after a cancel in any state', () => {
    for (const { configuration, example, outcomes } of open) {
      const isAsked = example.context.stopCause === 'cancel';
      const expected = isAsked ? /^ignored$/ : /^→ (cancelled$|running\.\w+ \[cancel\])/;
      expect(outcomes.get('cancel'), configuration).toMatch(expected);
    }
  });

  it('never waits again or runs once more after a cancel (I2)', () => {
    for (const visit of open.filter(({ example }) => example.context.stopCause === 'cancel')) {
      for (const { configuration, example } of reachableFrom(visit, () => true)) {
        expect(example.path, configuration).not.toMatch(/^pending/);
      }
    }
  });

  it('never waits again after its last attempt, node loss included (I2)', () => {
    const last = open.filter(({ configuration }) => configuration.includes('last attempt'));
    expect(last.length).toBeGreaterThan(8);
    for (const visit of last) {
      for (const { configuration, example } of reachableFrom(visit, () => true)) {
        expect(example.path, configuration).not.toMatch(/^pending/);
      }
    }
  });

  it('is not moved by what an old session or attempt or another node tells (I6)', () => {
    const stale = /(, old |, another node|, future attempt|session old|lost, old|of another node)/;
    for (const { configuration, targets } of visits.values()) {
      expect(
        [...targets.keys()].filter((variant) => stale.test(variant)),
        configuration,
      ).toEqual([]);
    }
  });

  it('takes the end of its attempt in every running state (I1)', () => {
    for (const { configuration, example, outcomes } of open) {
      if (!example.path.startsWith('running.')) continue;
      for (const variant of ['exited, code 0', 'exited, newer epoch']) {
        expect(outcomes.get(variant), configuration).toBe('→ completed +forgetAttempt');
      }
      expect(outcomes.get('lost, current'), configuration).toMatch(/^→ /);
    }
  });
});
