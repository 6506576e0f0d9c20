// `muster task cancel|retry|delete` with a filter, as processes against a supervisor on HTTP/2.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TaskState } from '../../proto/gen/muster/v1/task_pb.ts';
import type { BulkSelection } from '../../proto/gen/muster/v1/task_service_pb.ts';
import { muster } from './testing/command.ts';
import { ScriptedSupervisor } from './testing/scripted-supervisor.ts';

const ID = (number: number) => `0198c5f2-7b1a-7000-8000-${String(number).padStart(12, '0')}`;

let supervisor: ScriptedSupervisor;
let asked: (BulkSelection | undefined)[];

beforeEach(async () => {
  asked = [];
  supervisor = new ScriptedSupervisor();
  supervisor.taskOverrides = {
    async *retryTasks({ selection }) {
      asked.push(selection);
      const counts = { matched: 2, firstIds: [ID(1), ID(2)] };
      if (selection?.dryRun !== true) {
        yield { item: { item: { case: 'result', value: { id: ID(1), newId: ID(3) } } } };
        const refused = { id: ID(2), errorKind: 'unknown_task', errorMessage: 'There is no task' };
        yield { item: { item: { case: 'result', value: refused } } };
      }
      const [done, failed] = selection?.dryRun === true ? [0, 0] : [1, 1];
      yield { item: { item: { case: 'summary', value: { ...counts, done, failed } } } };
    },
  };
  await supervisor.start();
});
afterEach(async () => {
  await supervisor.destroy();
});

const retry = (...args: string[]) => muster(supervisor, ['task', 'retry', ...args]);

test('without --yes it counts, changes nothing and says what would do it', async () => {
  const result = await retry('--state', 'failed', '--label', 'app=shop');
  expect(result.stdout.toString()).toBe(`2 tasks to retry\n${ID(1)}\n${ID(2)}\n`);
  expect(result.stderr).toContain('nothing was changed: --yes does it');
  expect(result.code).toBe(2);
  expect(asked).toMatchObject([
    { dryRun: true, all: false, filter: { states: [TaskState.FAILED], labels: { app: 'shop' } } },
  ]);
  expect((await retry('--text', 'backup')).code).toBe(2);
  expect(asked.at(-1)).toMatchObject({ dryRun: true, filter: { text: 'backup' } });
  const preview = await retry('--all', '--dry-run', '-o', 'json');
  expect(preview.code).toBe(0);
  expect(JSON.parse(preview.stdout.toString())).toMatchObject({ matched: 2, done: 0 });
});

test('with --yes each task has a line, and one that refuses makes the exit code 1', async () => {
  const result = await retry('--state', 'failed', '--yes');
  expect(result.stdout.toString()).toBe(
    `${ID(1)}  retried as ${ID(3)}\n${ID(2)}  There is no task\n`,
  );
  expect(result.stderr).toContain('2 tasks matched: 1 done, 1 failed');
  expect(result.code).toBe(1);
  const lines = (await retry('--all', '--yes', '-o', 'jsonl')).stdout.toString().trim().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { id: ID(1), newId: ID(3), errorKind: '' },
    { id: ID(2), newId: '', errorKind: 'unknown_task' },
  ]);
});

test('ids and a filter do not go together, and one of them is needed', async () => {
  expect((await retry()).stderr).toContain('give ids, or a filter');
  expect((await retry(ID(1), '--all')).stderr).toContain('give ids or a filter, not both');
  expect((await retry(ID(1), '--yes')).stderr).toContain('--dry-run and --yes go with a filter');
  expect(asked).toEqual([]);
});
