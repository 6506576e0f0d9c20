/** What a history adds up to. */
import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { chartOf } from '../../../machines/chart.ts';
import { taskMachine } from '../../../machines/task.ts';
import { MachineSchema } from '../../../proto/gen/muster/v1/machine_pb.ts';
import { nextOf, triggerWords } from './machine/words.ts';
import { differencesOf, factsOf, staysOf, wayOf, whoOf } from './steps.ts';
import { START_MS, STEPS } from './testing.ts';

const { edges, states } = chartOf(taskMachine);
const machine = create(MachineSchema, {
  name: 'task',
  states: states.map(({ path, name, parent, inner }) => ({
    path,
    name,
    parent,
    inner: inner.map((one) => ({ ...one, actions: [...one.actions] })),
  })),
  edges: edges.map(({ from, to, triggers }) => ({
    from,
    to,
    triggers: triggers.map((one) => ({ ...one, actions: [...one.actions] })),
  })),
});
const edgeAt = (from: string, to: string) =>
  machine.edges.findIndex((edge) => edge.from === from && edge.to === to);

describe('the way through a machine', () => {
  it('has the versions at which each edge was taken', () => {
    const { marks, visits } = wayOf(machine, STEPS);
    expect(marks.get(edgeAt('pending.queued', 'running.dispatched'))).toBe('2, 6');
    expect(marks.get(edgeAt('pending.created', 'pending.queued'))).toBe('1');
    expect(visits.get(edgeAt('running', 'completed'))).toBe(1);
    expect(visits.has(edgeAt('running', 'failed'))).toBe(false);
  });

  it('ends with the edge of the last step', () => {
    expect(wayOf(machine, STEPS).last).toBe(edgeAt('running', 'completed'));
    expect(wayOf(machine, STEPS.slice(0, 4)).last).toBe(edgeAt('running', 'pending.delayed'));
  });
});

describe('the time in each state', () => {
  it('is summed over all stays, in the order of the first ones', () => {
    const stays = staysOf(STEPS, START_MS, true);
    expect(stays.map(({ path, times, ms }) => [path, times, ms])).toEqual([
      ['pending.queued', 2, 3_000],
      ['running.dispatched', 2, 2_000],
      ['running.executing', 2, 15_000],
      ['pending.delayed', 1, 1_000],
      ['completed', 1, 0],
    ]);
  });

  it('goes on in the state where the task is', () => {
    const open = staysOf(STEPS.slice(0, 3), START_MS + 7_000, false).at(-1);
    expect(open).toEqual({ path: 'running.executing', times: 1, ms: 4_000, isOpen: true });
  });
});

describe('what a step changes', () => {
  const changeOf = (version: number) =>
    Object.fromEntries(
      differencesOf(factsOf(STEPS.slice(0, version - 1)), factsOf(STEPS.slice(0, version))).map(
        ({ name, before, after }) => [name, [before, after]],
      ),
    );

  it('is the deadline when a process starts', () => {
    expect(changeOf(3)['deadline']).toEqual([null, '2026-01-01 00:01:03.000 UTC']);
  });

  it('is state and exit code when it ends', () => {
    const change = changeOf(4);
    expect(change['state']).toEqual(['running.executing', 'pending.delayed']);
    expect(change['exit code']).toEqual([null, '3']);
  });

  it('is the node when another attempt begins', () => {
    expect(changeOf(6)['node']).toEqual(['web-1', 'web-2']);
    expect(changeOf(6)['exit code']).toEqual(['3', null]);
  });

  it('is done by somebody', () => {
    expect(STEPS.slice(0, 5).map((step) => whoOf(step, 'anna'))).toEqual([
      'anna',
      'scheduler',
      'agent of web-1',
      'agent of web-1',
      'timer',
    ]);
  });
});

describe('what can happen next', () => {
  it('comes from the state and from those around it', () => {
    const next = nextOf(machine, 'running.executing').map(({ of, to }) => `${of}>${to}`);
    expect(next).toContain('running.executing>running.stopping');
    expect(next).toContain('running>completed');
  });

  it('leaves out what the policy forbids', () => {
    const never = new Set(['isOfflinePolicy skip', 'isOfflinePolicy fail']);
    const next = nextOf(machine, 'pending.queued', never).map(({ of, to }) => `${of}>${to}`);
    expect(next).toEqual(['pending.queued>running.dispatched', 'pending>cancelled']);
  });

  it('is nothing in a final state', () => {
    expect(nextOf(machine, 'completed')).toEqual([]);
  });

  it('has words for every trigger of the machine', () => {
    const words = machine.edges.flatMap(({ triggers }) => triggers.map(triggerWords));
    expect(words.filter((text) => /[A-Z]|\./.test(text.replace('SIGKILL', '')))).toEqual([]);
  });
});
