/** The picture of `muster task inspect`. */
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { expect, it } from 'vitest';
import { FanOutProgressSchema } from '../../../proto/gen/muster/v1/fan_out_pb.ts';
import { MachineSchema } from '../../../proto/gen/muster/v1/machine_pb.ts';
import { TaskState, TransitionSchema } from '../../../proto/gen/muster/v1/task_pb.ts';
import { createStyle } from '../style.ts';
import { makeTask } from '../testing/scripted-supervisor.ts';
import { drawInspected } from './inspect-view.ts';

const NOW = Date.UTC(2026, 0, 1, 12);
const plain = createStyle({ isTTY: false }, {});
const machine = create(MachineSchema, {
  states: [
    { path: 'pending', name: 'pending' },
    { path: 'pending.created', name: 'created' },
    { path: 'pending.delayed', name: 'delayed' },
    { path: 'running', name: 'running' },
    { path: 'running.executing', name: 'executing' },
    { path: 'completed', name: 'completed' },
  ],
  edges: [{ from: 'pending.created', to: 'pending.delayed', triggers: [{ event: '' }] }],
});
const task = makeTask({
  id: 'ID',
  name: 'backup',
  substate: 'executing',
  maxAttempts: 3,
  updatedAt: timestampFromMs(NOW - 61_500),
  deadlineAt: timestampFromMs(NOW + 238_500),
});
const steps = Array.from({ length: 5 }, (_, index) =>
  create(TransitionSchema, {
    version: index + 1,
    eventType: 'timer.fired',
    fromState: 'pending.delayed',
    toState: 'pending.queued',
    at: timestampFromMs(NOW),
  }),
);
const room = { columns: 80, rows: 40 };

it('is the tree of states with the current one lit, and what it waits for', () => {
  const lines = drawInspected({ machine, task, steps: [] }, NOW, room, plain);
  expect(lines).toEqual([
    'backup  ID  node-1  attempt 1/3',
    '',
    '  pending',
    '    delayed',
    '▽ running',
    '▶   executing   for 1m 1s · times out in 3m 59s',
    '  completed',
  ]);
});

it('counts down to the next attempt', () => {
  const delayed = {
    ...task,
    state: TaskState.PENDING,
    substate: 'delayed',
    delayedUntil: timestampFromMs(NOW + 4_200),
  };
  const at = (nowMs: number) =>
    drawInspected({ machine, task: delayed, steps: [] }, nowMs, room, plain).find((line) =>
      line.startsWith('▶'),
    );
  expect(at(NOW)).toContain('goes on in 5s');
  expect(at(NOW + 1_300)).toContain('goes on in 3s');
  expect(at(NOW + 5_000)).toContain('goes on now');
});

it('says at the end how it ended', () => {
  const ended = { ...task, state: TaskState.COMPLETED, substate: '', message: 'all is well' };
  const lines = drawInspected({ machine, task: ended, steps: [] }, NOW, room, plain);
  expect(lines.at(-1)).toBe('▶ completed   all is well');
});

it('has the last steps below, as many as there is room for', () => {
  const lines = drawInspected({ machine, task, steps }, NOW, { columns: 80, rows: 12 }, plain);
  expect(lines.slice(-3)).toEqual([
    '',
    expect.stringMatching(/^[\d:]+ +4 {2}timer.fired +pending.delayed → pending.queued$/),
    expect.stringMatching(/^[\d:]+ +5 {2}timer.fired/),
  ]);
  const small = drawInspected({ machine, task, steps }, NOW, { columns: 20, rows: 4 }, plain);
  expect(small.length).toBeLessThan(4);
  expect(small.every((line) => line.length < 20)).toBe(true);
});

it('shows how far a fan-out is', () => {
  const fanOut = create(FanOutProgressSchema, { total: 10, held: 4, active: 2, failed: 1 });
  const [title] = drawInspected(
    { machine, task: { ...task, fanOut }, steps: [] },
    NOW,
    room,
    plain,
  );
  expect(title).toBe('backup  ID  4 of 10 ended, 2 at work, 1 failed');
});

it('lets nothing of a task move the cursor', () => {
  const nasty = { ...task, name: 'x\u001b[2Jy' };
  expect(drawInspected({ machine, task: nasty, steps: [] }, NOW, room, plain).join()).not.toContain(
    '\u001b',
  );
});
