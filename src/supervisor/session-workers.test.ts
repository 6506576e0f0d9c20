// How many slots of a session take work, whatever the agent says and is told (I8).

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SessionWorkers } from './session-workers.ts';
import type { WorkerState } from './supervisor.ts';
import { workerReport } from './testing/worker-report.ts';

const STATES: readonly WorkerState[] = [
  'starting',
  'idle',
  'busy',
  'backing_off',
  'crashed',
  'stopped',
];

describe('the slots of a session', () => {
  it('are all usable while the agent says nothing, as an older one does', () => {
    expect(new SessionWorkers(4, []).usable).toBe(4);
  });

  it('are usable when they are idle or busy, and not about to stop', () => {
    const usable = STATES.filter((state) => {
      const workers = new SessionWorkers(1, [workerReport('slot-0', state)]);
      return workers.usable === 1;
    });
    expect(usable).toEqual(['idle', 'busy']);
    for (const asked of ['stop', 'restart'] as const) {
      const report = workerReport('slot-0', 'busy', { asked, taskId: 't' });
      const workers = new SessionWorkers(2, [report]);
      expect([workers.usable, workers.leaving]).toEqual([1, ['t']]);
    }
  });

  it('do not include kept commands', () => {
    const kept = workerReport('exporter', 'crashed', { kind: 'kept' });
    expect(new SessionWorkers(2, [kept]).usable).toBe(2);
  });

  it('are one less from the sending of a stop until a start is taken on', () => {
    const workers = new SessionWorkers(1, [workerReport('slot-0')]);
    expect(workers.send('slot-0', 'stop', 1)).toBe(true);
    expect(workers.usable).toBe(0);
    workers.take(workerReport('slot-0', 'idle'));
    expect(workers.usable).toBe(0);
    workers.take(workerReport('slot-0', 'stopped', { operatedSeq: 1 }));
    expect(workers.send('slot-0', 'stop', 1)).toBe(false);
    expect(workers.send('slot-0', 'start', 2)).toBe(true);
    expect(workers.usable).toBe(0);
    workers.take(workerReport('slot-0', 'idle', { operatedSeq: 2 }));
    expect(workers.usable).toBe(1);
    expect(workers.send('slot-1', 'stop', 1)).toBe(false);
  });

  it('are never fewer than none nor more than there are', () => {
    const report = fc.record({
      name: fc.constantFrom('slot-0', 'slot-1', 'slot-77'),
      state: fc.constantFrom(...STATES),
      asked: fc.constantFrom('stop', 'restart', null),
      taskId: fc.constantFrom('t', null),
    });
    fc.assert(
      fc.property(fc.array(report), (reports) => {
        const workers = new SessionWorkers(2, []);
        for (const { name, state, ...more } of reports) {
          workers.take(workerReport(name, state, more));
          expect(workers.usable).toBeGreaterThanOrEqual(0);
          expect(workers.usable).toBeLessThanOrEqual(2);
        }
      }),
    );
  });
});
