/**
 * The node machine: every pair of state and event, and what replay makes of them.
 */
import { describe, expect, test } from 'vitest';
import type { NodeEvent, NodeEventBody } from './node-context.ts';
import { createNode, decideNode, nodeWakeAt, replayNode, takesTasks } from './node-decide.ts';
import type { NodeSnapshot } from './node-decide.ts';

const INPUT = { id: 'web-1', createdAt: 1_000 };

const drain = (
  deadlineMs: number | null = 60_000,
  onDeadline: 'stop' | 'leave' = 'stop',
): NodeEventBody => ({ type: 'drain.requested', by: 'ann', note: '', deadlineMs, onDeadline });
const counted = (active: number): NodeEventBody => ({ type: 'tasks.counted', active });
const resume: NodeEventBody = { type: 'resume.requested', by: 'ann' };
const timer: NodeEventBody = { type: 'timer.fired' };

/** Applies events one after the other, a second apart; those that do nothing count as none. */
function walk(...bodies: readonly NodeEventBody[]): NodeSnapshot {
  let snapshot = createNode(INPUT);
  let at = INPUT.createdAt;
  for (const body of bodies) {
    at += 1_000;
    const decision = decideNode(snapshot, { ...body, at });
    if (decision.kind === 'transition') snapshot = decision.snapshot;
  }
  return snapshot;
}

function outcome(before: NodeSnapshot, body: NodeEventBody, at: number): string {
  const decision = decideNode(before, { ...body, at });
  return decision.kind === 'transition' ? decision.snapshot.path : decision.kind;
}

describe('the node machine', () => {
  const late = 1_000_000;
  const states = {
    active: walk(),
    draining: walk(drain(), counted(2)),
    stopping: walk(drain(1_000), counted(2), timer),
    drained: walk(drain(), counted(0)),
  };
  const events = {
    drain: drain(),
    resume,
    none: counted(0),
    more: counted(3),
    same: counted(2),
    timer,
  };

  test('every state answers every event', () => {
    const table = Object.entries(states).map(([name, snapshot]) => {
      expect(snapshot.path).toBe(name);
      const cells = Object.entries(events).map(
        ([event, body]) => `${event}=${outcome(snapshot, body, late)}`,
      );
      return `${name}: ${cells.join(' ')}`;
    });
    expect(table).toEqual([
      'active: drain=draining resume=ignored none=ignored more=ignored same=ignored timer=ignored',
      'draining: drain=draining resume=active none=drained more=draining same=ignored timer=stopping',
      'stopping: drain=refused resume=active none=drained more=stopping same=ignored timer=ignored',
      'drained: drain=ignored resume=active none=ignored more=ignored same=ignored timer=ignored',
    ]);
  });

  test('only an active one takes tasks', () => {
    const taking = Object.values(states).filter(takesTasks);
    expect(taking.map(({ path }) => path)).toEqual(['active']);
  });

  test('at its deadline it stops its tasks, or leaves them', () => {
    const stops = walk(drain(5_000, 'stop'), counted(2));
    expect(nodeWakeAt(stops)).toBe(7_000);
    expect(outcome(stops, timer, 6_999)).toBe('ignored');
    expect(outcome(stops, timer, 7_000)).toBe('stopping');
    const leaves = walk(drain(5_000, 'leave'), counted(2));
    expect(outcome(leaves, timer, 7_000)).toBe('drained');
  });

  test('a second wish replaces the deadline of the first', () => {
    const node = walk(drain(5_000, 'stop'), drain(null, 'leave'));
    expect(nodeWakeAt(node)).toBeNull();
    expect(node.context.drain).toMatchObject({ onDeadline: 'leave', requestedAt: 3_000 });
  });

  test('nothing of a drain is left after a resumption', () => {
    expect(walk(drain(), counted(2), resume)).toEqual(createNode(INPUT));
  });

  test('a refusal says what would do', () => {
    const decision = decideNode(states.stopping, { ...drain(), at: late });
    expect(decision).toMatchObject({
      kind: 'refused',
      error: { message: expect.stringContaining('it is stopping; its tasks are being stopped') },
    });
  });

  test('I4: the replay of its events gives its snapshot', () => {
    const bodies = [drain(3_000), counted(4), counted(1), timer, counted(0), resume, drain(null)];
    const history: NodeEvent[] = bodies.map((body, index) => ({
      ...body,
      at: INPUT.createdAt + (index + 1) * 1_000,
    }));
    expect(replayNode(INPUT, history)).toEqual(walk(...bodies));
    expect(() => replayNode(INPUT, [{ ...counted(1), at: 2_000 }])).toThrow('no transition');
  });
});
