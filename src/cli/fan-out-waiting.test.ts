// What is said of the children of a fan-out that wait for their nodes.
import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { FanOutProgressSchema } from '../../proto/gen/muster/v1/fan_out_pb.ts';
import { type Task, TaskState } from '../../proto/gen/muster/v1/task_pb.ts';
import { PATIENCE_MS, WaitingChildren } from './fan-out-waiting.ts';
import { makeTask } from './testing/scripted-supervisor.ts';

const queued = (nodeId: string, reason = 'node_offline'): Task =>
  makeTask({ id: nodeId, nodeId, state: TaskState.PENDING, substate: 'queued', reason });
const running = (nodeId: string): Task =>
  makeTask({ id: nodeId, nodeId, state: TaskState.RUNNING, substate: 'executing' });

function reader(...children: readonly Task[]) {
  const asked: string[] = [];
  const read = async (id: string): Promise<Task> => {
    asked.push(id);
    const child = children.find((one) => one.id === id);
    if (child === undefined) throw new Error(`nobody is to ask for ${id}`);
    return child;
  };
  return { asked, read };
}

test('a child that waits for its node is counted as waiting, one that retries later as well', () => {
  const waiting = new WaitingChildren();
  const progress = create(FanOutProgressSchema, { total: 5, active: 4, held: 1 });
  waiting.see(queued('x1'), 0);
  waiting.see(running('web-1'), 0);
  waiting.see({ ...queued('web-2'), substate: 'delayed' }, 0);
  waiting.see({ ...queued('web-3'), substate: 'held' }, 0);
  expect(waiting.counted(progress)).toMatchObject({ active: 2, held: 3 });
  waiting.see(running('x1'), 1);
  waiting.see(running('web-2'), 1);
  expect(waiting.counted(progress)).toMatchObject({ active: 4, held: 1 });
});

test('nodes that have been waited for long are named once, together, with the reason and the way out', async () => {
  const waiting = new WaitingChildren();
  for (const nodeId of ['x1', 'x2', 'y']) waiting.see(queued(nodeId), 0);
  const { read, asked } = reader(queued('x1'), queued('x2'), queued('y', 'workers_busy'));
  expect(await waiting.explain(PATIENCE_MS - 1, read)).toEqual([]);
  expect(asked).toEqual([]);
  expect(await waiting.explain(PATIENCE_MS, read)).toEqual([
    'waiting for x[1-2], which are offline; --offline skip passes them over',
    'waiting for y, whose workers are busy',
  ]);
  expect(await waiting.explain(2 * PATIENCE_MS, read)).toEqual([]);
});

test('of a node that is waited for later it is said later', async () => {
  const waiting = new WaitingChildren();
  waiting.see(queued('x1'), 0);
  waiting.see(queued('x2'), 5 * PATIENCE_MS);
  const { read } = reader(queued('x1'), queued('x2'));
  const one = (nodeId: string) => [
    `waiting for ${nodeId}, which is offline; --offline skip passes it over`,
  ];
  expect(await waiting.explain(PATIENCE_MS, read)).toEqual(one('x1'));
  expect(await waiting.explain(6 * PATIENCE_MS, read)).toEqual(one('x2'));
});

test('of thousands a few are asked', async () => {
  const waiting = new WaitingChildren();
  const children = Array.from({ length: 3000 }, (_, index) => queued(`n${index}`));
  for (const child of children) waiting.see(child, 0);
  const { read, asked } = reader(...children);
  expect(await waiting.explain(PATIENCE_MS, read)).toEqual([
    'waiting for n[0-49], which are offline; --offline skip passes them over',
    'waiting for 2950 more nodes',
  ]);
  expect(await waiting.explain(2 * PATIENCE_MS, read)).toEqual([]);
  expect(asked).toHaveLength(50);
});
