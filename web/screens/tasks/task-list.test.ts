// The list of tasks: pages in the order they are read, live changes in their places, new ones counted, memory bounded.
import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import {
  ProgressSchema,
  type Task,
  TaskSchema,
  TaskState,
} from '../../../proto/gen/muster/v1/task_pb.ts';
import { PAGE_SIZE, TaskList } from './task-list.ts';

const idOf = (number: number) => `01a00000-0000-7000-8000-${String(number).padStart(12, '0')}`;
const taskOf = (number: number, state: TaskState = TaskState.RUNNING, version = 1): Task =>
  create(TaskSchema, { id: idOf(number), state, version });

/** A server with tasks of the numbers 1 to `total`, newest first. */
function serve(total: number) {
  const asked: string[] = [];
  const fetchPage = async (token: string) => {
    asked.push(token);
    const from = token === '' ? total : Number(token);
    const size = Math.min(PAGE_SIZE, from);
    const tasks = Array.from({ length: size }, (_, index) => taskOf(from - index));
    const rest = from - size;
    return { tasks, nextPageToken: rest === 0 ? '' : String(rest) };
  };
  const isMatching = ({ state }: Task) => state === TaskState.RUNNING;
  return { list: new TaskList({ fetchPage, isMatching }), asked };
}

/** Lets the answers that are on their way arrive. */
async function settled() {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

async function scrollTo(list: TaskList, row: number) {
  for (let last = list.count; last < row; last = list.count) {
    list.show(last - 10, last - 1);
    await settled();
  }
}

describe('the list of tasks', () => {
  it('reads the next page when its end comes near, and each page once', async () => {
    const { list, asked } = serve(450);
    await list.reload();
    list.show(0, 20);
    expect(list.count).toBe(200);
    list.show(150, 180);
    list.show(151, 181);
    await settled();
    await scrollTo(list, 450);
    expect(list.count).toBe(450);
    expect(list.hasMore).toBe(false);
    expect(asked).toEqual(['', '250', '50']);
    expect(list.at(449)?.id).toBe(idOf(1));
  });

  it('replaces a task that has changed in its place', async () => {
    const { list } = serve(10);
    await list.reload();
    list.apply({ task: taskOf(7, TaskState.FAILED, 3), isDeleted: false });
    expect(list.at(3)).toMatchObject({ state: TaskState.FAILED, version: 3 });
    expect(list.count).toBe(10);
  });

  it('leaves out a change that is older than what it has', async () => {
    const { list } = serve(3);
    await list.reload();
    list.apply({ task: taskOf(2, TaskState.FAILED, 5), isDeleted: false });
    list.apply({ task: taskOf(2, TaskState.RUNNING, 4), isDeleted: false });
    expect(list.find(idOf(2))?.version).toBe(5);
  });

  it('takes a change at the same version, which brings progress', async () => {
    const { list } = serve(3);
    await list.reload();
    const task = taskOf(2);
    task.progress = create(ProgressSchema, { fraction: 0.5 });
    list.apply({ task, isDeleted: false });
    expect(list.find(idOf(2))?.progress?.fraction).toBe(0.5);
  });

  it('counts new tasks and shows them after a reload only', async () => {
    const { list } = serve(10);
    await list.reload();
    list.apply({ task: taskOf(11), isDeleted: false });
    list.apply({ task: taskOf(12), isDeleted: false });
    list.apply({ task: taskOf(12, TaskState.RUNNING, 2), isDeleted: false });
    expect(list.newCount).toBe(2);
    expect(list.at(0)?.id).toBe(idOf(10));
    await list.reload();
    expect(list.newCount).toBe(0);
  });

  it('counts a new task no longer once it matches no longer or is deleted', async () => {
    const { list } = serve(10);
    await list.reload();
    list.apply({ task: taskOf(11), isDeleted: false });
    list.apply({ task: taskOf(12), isDeleted: false });
    list.apply({ task: taskOf(11, TaskState.FAILED, 2), isDeleted: false });
    list.apply({ task: taskOf(12), isDeleted: true });
    expect(list.newCount).toBe(0);
  });

  it('does not count what further pages will bring', async () => {
    const { list } = serve(450);
    await list.reload();
    list.apply({ task: taskOf(3, TaskState.RUNNING, 2), isDeleted: false });
    expect(list.newCount).toBe(0);
  });

  it('keeps the row of a deleted task, marked', async () => {
    const { list } = serve(10);
    await list.reload();
    list.apply({ task: taskOf(5), isDeleted: true });
    expect(list.count).toBe(10);
    expect(list.isDeleted(idOf(5))).toBe(true);
    expect(list.idsBetween(0, 9)).toHaveLength(9);
  });

  it('drops pages far away and reads them again in their places', async () => {
    const total = PAGE_SIZE * 30;
    const { list, asked } = serve(total);
    await list.reload();
    await scrollTo(list, total);
    expect(list.count).toBe(total);
    expect(list.at(0)).toBeNull();
    list.apply({ task: taskOf(total, TaskState.RUNNING, 9), isDeleted: false });
    expect(list.newCount).toBe(0);
    const before = asked.length;
    list.show(0, 30);
    await settled();
    expect(asked.length).toBe(before + 1);
    expect(list.at(0)?.id).toBe(idOf(total));
    expect(list.count).toBe(total);
    expect(list.at(total - 1)).toBeNull();
  });

  it('names the versions it has, without final ones of later pages', async () => {
    const { list } = serve(450);
    await list.reload();
    await scrollTo(list, 450);
    list.apply({ task: taskOf(450, TaskState.FAILED, 2), isDeleted: false });
    list.apply({ task: taskOf(1, TaskState.FAILED, 2), isDeleted: false });
    const seen = list.seen(({ state }) => state === TaskState.FAILED);
    expect(seen).toHaveLength(449);
    expect(seen[0]).toEqual({ id: idOf(450), version: 2 });
  });

  it('says what failed, asks for nothing until it is told to, and goes on then', async () => {
    let isDown = true;
    let asked = 0;
    const list = new TaskList({
      fetchPage: async (token) => {
        asked += 1;
        if (isDown) throw new Error('down');
        return { tasks: [taskOf(token === '' ? 2 : 1)], nextPageToken: token === '' ? 'x' : '' };
      },
      isMatching: () => true,
    });
    await list.reload();
    expect(list.failure).toEqual(new Error('down'));
    list.show(0, 0);
    expect(asked).toBe(1);
    isDown = false;
    await list.retry();
    expect(list.failure).toBeNull();
    expect(list.count).toBe(1);
    isDown = true;
    list.show(0, 0);
    await settled();
    list.show(0, 0);
    expect(list.failure).toEqual(new Error('down'));
    expect(asked).toBe(3);
    isDown = false;
    await list.retry();
    list.show(0, 0);
    await settled();
    expect(list.count).toBe(2);
  });
});
