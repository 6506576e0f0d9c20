/** Charts of the machines that there are, and the edges that steps take. */
import { describe, expect, it } from 'vitest';
import { MACHINES } from './catalog.ts';
import { chartOf, edgeOfStep } from './chart.ts';

const machine = (name: string) => {
  const found = MACHINES.get(name);
  if (found === undefined) throw new Error(`no machine ${name}`);
  return found;
};

describe('a chart', () => {
  it('has a state at both ends of every edge', () => {
    for (const definition of MACHINES.values()) {
      const { states, edges } = chartOf(definition);
      const paths = states.map(({ path }) => path);
      for (const { from, to } of edges) expect(paths).toEqual(expect.arrayContaining([from, to]));
    }
  });

  it('leads out of each state at the top where the machine itself has a transition', () => {
    const { edges } = chartOf(machine('session'));
    const toStopped = edges.filter(({ to }) => to === 'stopped').map(({ from }) => from);
    expect(toStopped).toEqual(['connecting', 'online', 'backing_off']);
  });
});

describe('the edge of a step', () => {
  const chart = chartOf(machine('task'));
  it('is that of a state around where the state itself has none', () => {
    const step = { from: 'running.executing', to: 'completed', event: 'attempt.exited' };
    expect(edgeOfStep(chart, step)?.from).toBe('running');
  });

  it('is the choice at the beginning for a creation', () => {
    const step = { from: '', to: 'pending.queued', event: 'task.created' };
    expect(edgeOfStep(chart, step)?.from).toBe('pending.created');
  });

  it('is none where the state stays', () => {
    const step = { from: 'running.stopping', to: 'running.stopping', event: 'cancel.requested' };
    expect(edgeOfStep(chart, step)).toBeNull();
  });
});
