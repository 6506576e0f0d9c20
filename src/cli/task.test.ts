// `muster task …` and `muster node …` as processes against a supervisor on HTTP/2.
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NodeState } from '../../proto/gen/muster/v1/node_pb.ts';
import { TaskState } from '../../proto/gen/muster/v1/task_pb.ts';
import type { ListTasksRequest } from '../../proto/gen/muster/v1/task_service_pb.ts';
import type { CommandResult } from './testing/command.ts';
import { muster, startMuster } from './testing/command.ts';
import type { NodeOverrides, TaskOverrides } from './testing/scripted-supervisor.ts';
import { makeTask, ScriptedSupervisor } from './testing/scripted-supervisor.ts';

const ID = (number: number) => `0198c5f2-7b1a-7000-8000-${String(number).padStart(12, '0')}`;

let supervisor: ScriptedSupervisor;

beforeEach(async () => {
  supervisor = new ScriptedSupervisor();
  await supervisor.start();
});
afterEach(async () => {
  await supervisor.destroy();
});

async function override(tasks: TaskOverrides, nodes: NodeOverrides = {}): Promise<void> {
  supervisor.taskOverrides = tasks;
  supervisor.nodeOverrides = nodes;
  await supervisor.destroy();
  await supervisor.start();
}

function addTasks(count: number): void {
  for (let number = 1; number <= count; number += 1) {
    supervisor.add(makeTask({ id: ID(number), name: `task ${number}` }));
  }
}

function document(result: CommandResult): unknown {
  expect(result.stderr).toBe('');
  return JSON.parse(result.stdout.toString());
}

function lines(result: CommandResult): string[] {
  return result.stdout.toString().trimEnd().split('\n');
}

describe('task list', () => {
  test('as a table has a line for each task, without colours where nobody sees them', async () => {
    addTasks(2);
    supervisor.find(ID(1)).become({ state: TaskState.COMPLETED, exitCode: 0 });
    const result = await muster(supervisor, ['task', 'list']);
    expect(lines(result)).toHaveLength(3);
    expect(lines(result)[0]).toMatch(/^ID +STATE +NODE +NAME/);
    expect(lines(result)[1]).toMatch(new RegExp(`^${ID(1)}  ✓ completed  node-1 +task 1 +1/1 +0`));
    expect(result.stdout.includes('\u001b')).toBe(false);
    expect(result.code).toBe(0);
  });

  test('as json is the response, with the fields that have their default', async () => {
    supervisor.add(
      makeTask({ id: ID(1), attempt: 0, state: TaskState.PENDING, substate: 'queued' }),
    );
    expect(document(await muster(supervisor, ['task', 'list', '-o', 'json']))).toEqual({
      tasks: [
        expect.objectContaining({
          id: ID(1),
          state: 'TASK_STATE_PENDING',
          substate: 'queued',
          attempt: 0,
          nodeId: 'node-1',
          reason: '',
          labels: {},
        }),
      ],
      nextPageToken: '',
    });
  });

  test('as jsonl with --all goes through all pages, a task a line', async () => {
    addTasks(450);
    const result = await muster(supervisor, ['-o', 'jsonl', 'task', 'list', '--all']);
    const ids = lines(result).map((line) => (JSON.parse(line) as { id: string }).id);
    expect(ids).toEqual(Array.from({ length: 450 }, (_, index) => ID(index + 1)));
    expect(supervisor.calls).toEqual(['ListTasks', 'ListTasks', 'ListTasks']);
  });

  test('one page says how to get the next', async () => {
    addTasks(3);
    const result = await muster(supervisor, ['task', 'ls', '--limit', '2']);
    expect(lines(result)).toHaveLength(3);
    expect(result.stderr).toContain('--page-token 2');
  });

  test('filters are sent as they were meant', async () => {
    const requests: ListTasksRequest[] = [];
    await override({
      listTasks: (request) => {
        requests.push(request);
        return {};
      },
    });
    const flags = [
      '--state',
      'running,Failed',
      '--state',
      'TASK_STATE_TIMEOUT',
      '--type',
      'script',
    ];
    flags.push('--node', 'a', '--node', 'b', '--creator', 'eve', '--label', 'app=shop');
    flags.push('--text', 'Nightly b');
    flags.push('--since', '2026-11-23T10:00Z', '--until', '2026-11-23T11:00Z', '--limit', '7');
    const result = await muster(supervisor, ['task', 'list', ...flags, '--page-token', 'p']);
    expect(result.stderr).toBe('muster: no task fits\n');
    expect(requests[0]).toMatchObject({
      pageSize: 7,
      pageToken: 'p',
      filter: {
        states: [TaskState.RUNNING, TaskState.FAILED, TaskState.TIMEOUT],
        types: [1],
        nodeIds: ['a', 'b'],
        creators: ['eve'],
        labels: { app: 'shop' },
        text: 'Nightly b',
        createdFrom: { seconds: BigInt(Date.UTC(2026, 10, 23, 10) / 1000) },
        createdUntil: { seconds: BigInt(Date.UTC(2026, 10, 23, 11) / 1000) },
      },
    });
  });

  test('a limit that is not allowed is refused before anything is asked', async () => {
    const result = await muster(supervisor, ['task', 'list', '--limit', '10000']);
    expect(result).toMatchObject({
      code: 2,
      stderr: 'muster: --limit is 10000; it must be from 1 to 200\n',
    });
    expect(supervisor.calls).toEqual([]);
  });

  test('a reader that goes away ends it quietly', async () => {
    addTasks(2000);
    const running = startMuster(supervisor, ['task', 'list', '--all', '-o', 'jsonl']);
    running.child.stdout?.once('data', () => running.child.stdout?.destroy());
    expect(await running.result).toMatchObject({ code: 141, stderr: '' });
  });
});

describe('task get', () => {
  test('as json is the task itself, found by the beginning of its id', async () => {
    supervisor.add(makeTask({ id: ID(1), state: TaskState.COMPLETED, exitCode: 0 }));
    supervisor.add(makeTask({ id: ID(20) }));
    const result = await muster(supervisor, ['task', 'get', ID(1).slice(0, 36), '-o', 'json']);
    expect(document(result)).toMatchObject({
      id: ID(1),
      state: 'TASK_STATE_COMPLETED',
      exitCode: 0,
    });
    expect(supervisor.calls).toEqual(['GetTask']);
    const short = await muster(supervisor, ['task', 'get', ID(20).slice(0, 35), '-o', 'json']);
    expect(document(short)).toMatchObject({ id: ID(20) });
  });

  test('for people names what there is to know', async () => {
    const attempts = [
      {
        $typeName: 'muster.v1.Attempt' as const,
        number: 1,
        nodeId: 'node-1',
        outcome: 'exited',
        exitCode: 3,
        signal: '',
        message: 'the process exited with code 3',
        stdoutBytes: 5n,
        stderrBytes: 0n,
        droppedBytes: 0n,
      },
    ];
    supervisor.add(
      makeTask({
        id: ID(1),
        name: 'a\u001b[31mb',
        state: TaskState.FAILED,
        reason: 'exit_code',
        exitCode: 3,
        attempts,
      }),
    );
    const { stdout, code } = await muster(supervisor, ['task', 'get', ID(1)]);
    expect(stdout.toString()).toMatch(/State +✗ failed/);
    expect(stdout.toString()).toMatch(/node-1 +exited +3/);
    expect(stdout.includes('\u001b')).toBe(false);
    expect(code).toBe(0);
  });

  test('an ambiguous beginning names candidates', async () => {
    addTasks(3);
    const result = await muster(supervisor, ['task', 'get', '0198']);
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('several tasks have an id that begins with 0198');
    expect(result.stderr).toContain(ID(3));
  });

  test('an unknown task is what the supervisor says', async () => {
    const result = await muster(supervisor, ['task', 'get', ID(9)]);
    expect(result).toMatchObject({ code: 1, stderr: `muster: There is no task ${ID(9)}\n` });
  });
});

describe('several tasks', () => {
  test('are reported one by one, and one failure does not keep the others from their turn', async () => {
    addTasks(2);
    const result = await muster(supervisor, ['task', 'cancel', ID(1), ID(9), ID(2), '--note', 'x']);
    expect(result.code).toBe(1);
    expect(lines(result)).toEqual([`${ID(1)}  ⊘ cancelled`, `${ID(2)}  ⊘ cancelled`]);
    expect(result.stderr).toBe(`muster: There is no task ${ID(9)}\n`);
  });

  test('as json are one document; one task is its own', async () => {
    addTasks(3);
    const both = await muster(supervisor, ['task', 'cancel', ID(1), ID(2), '-o', 'json']);
    expect(document(both)).toEqual({
      tasks: [expect.objectContaining({ id: ID(1) }), expect.objectContaining({ id: ID(2) })],
    });
    const one = await muster(supervisor, ['task', 'cancel', ID(3), '-o', 'json']);
    expect(document(one)).toMatchObject({ id: ID(3), state: 'TASK_STATE_CANCELLED' });
  });

  test('are executed, retried, resolved and deleted by their calls', async () => {
    addTasks(1);
    const task = () => ({ task: supervisor.find(ID(1)).task });
    const seen: unknown[] = [];
    await override({
      executeTask: task,
      retryTask: ({ requestId }) => {
        seen.push(requestId.length);
        return { task: makeTask({ id: ID(2), state: TaskState.PENDING, substate: 'queued' }) };
      },
      resolveTask: ({ resolution, note }) => {
        seen.push(resolution, note);
        return task();
      },
      deleteTask: () => ({}),
    });
    const codes: (number | null)[] = [];
    for (const args of [
      ['execute', ID(1)],
      ['resolve', ID(1), 'completed', '--note', 'seen it'],
      ['delete', ID(1)],
    ]) {
      codes.push((await muster(supervisor, ['task', ...args])).code);
    }
    const retried = await muster(supervisor, ['task', 'retry', ID(1)]);
    expect(retried.stdout.toString()).toBe(`${ID(2)}  ○ pending.queued  (again ${ID(1)})\n`);
    expect(codes).toEqual([0, 0, 0]);
    expect(seen).toEqual([2, 'seen it', 36]);
    expect(supervisor.calls).toEqual(['ExecuteTask', 'ResolveTask', 'DeleteTask', 'RetryTask']);
  });

  test('an unknown resolution is told the known ones', async () => {
    const result = await muster(supervisor, ['task', 'resolve', ID(1), 'done']);
    expect(result.code).toBe(2);
    expect(result.stderr).toContain("'done' is none of lost, completed, failed, cancelled");
  });
});

describe('task history and verify', () => {
  test('all pages of a history are one', async () => {
    await override({
      getTaskHistory: ({ afterVersion }) => ({
        transitions: [
          {
            version: afterVersion + 1,
            eventType: afterVersion === 0 ? 'task.created' : 'attempt.exited',
            fromState: afterVersion === 0 ? '' : 'running.executing',
            toState: afterVersion === 0 ? 'pending.queued' : 'completed',
            at: timestampFromMs(0),
          },
        ],
        hasMore: afterVersion === 0,
        lateReports: [{ attempt: 1, eventType: 'attempt.started', why: 'epoch 1 is over' }],
      }),
    });
    const table = lines(await muster(supervisor, ['task', 'history', ID(1)]));
    expect(table[1]).toMatch(/1 {2}19\d\d-.* task\.created +→ +○ pending\.queued/);
    expect(table[2]).toMatch(/2 {2}.* attempt\.exited +● running\.executing +→ +✓ completed/);
    expect(table.at(-1)).toMatch(/attempt\.started .* epoch 1 is over/);
    const json = document(await muster(supervisor, ['task', 'history', ID(1), '-o', 'json']));
    expect(json).toMatchObject({
      transitions: [{ version: 1 }, { version: 2, toState: 'completed' }],
      lateReports: [{ why: 'epoch 1 is over' }],
      hasMore: false,
    });
  });

  test('verify ends with 1 when one is not clean', async () => {
    addTasks(20);
    await override({
      verifyTask: ({ id }) =>
        id === ID(7)
          ? {
              clean: false,
              transitions: 4,
              differences: ['version 3: is failed, replay gives completed'],
            }
          : { clean: true, transitions: 4 },
    });
    const all = await muster(supervisor, ['task', 'verify', '--all']);
    expect(lines(all)).toEqual([
      `${ID(7)}  ✗ not clean, 4 transitions`,
      '  version 3: is failed, replay gives completed',
      '20 tasks, 80 transitions: 1 not clean',
    ]);
    expect(all.code).toBe(1);
    const clean = await muster(supervisor, ['task', 'verify', ID(1), '-o', 'json']);
    expect(document(clean)).toEqual({
      id: ID(1),
      clean: true,
      transitions: 4,
      differences: [],
      expired: false,
    });
    expect(clean.code).toBe(0);
    expect((await muster(supervisor, ['task', 'verify'])).code).toBe(2);
  });
});

const HOUR = 3_600_000;

test('task stats counts', async () => {
  await override({
    getStatistics: () => ({
      total: 3n,
      byState: [{ state: TaskState.RUNNING, substate: 'executing', count: 3n }],
      byNode: [{ name: '', count: 3n }],
      running: {
        count: 2n,
        p50: { nanos: 5_000_000 },
        p95: { seconds: 2n },
        max: { seconds: 90n },
      },
      byHour: [{ hour: timestampFromMs(HOUR), created: 3n, completed: 2n }],
      oldestPending: [
        { at: timestampFromMs(HOUR), oldest: {} },
        ...[5n, 65n, 8n].map((seconds, n) => ({
          at: timestampFromMs(2 * HOUR + n * 600_000),
          oldest: { seconds },
        })),
      ],
    }),
  });
  const { stdout } = await muster(supervisor, ['task', 'stats', '--since', '1h']);
  expect(stdout.toString()).toMatch(/● running\.executing +3\ntotal +3/);
  expect(stdout.toString()).toMatch(/\(none yet\) +3/);
  expect(stdout.toString()).toMatch(/running +2 +5ms +2s +1m 30s/);
  expect(stdout.toString()).toMatch(/OLDEST PENDING\n.* 3 +2 +0 +-\n.* 0 +0 +0 +1m 5s\n/);
});

test('nodes are listed through all pages, and shown', async () => {
  await override(
    {},
    {
      listNodes: ({ pageToken }) =>
        pageToken === ''
          ? { nodes: [{ id: 'web-1', state: NodeState.ONLINE, slots: 4 }], nextPageToken: 'x' }
          : { nodes: [{ id: 'web-2', state: NodeState.UNREACHABLE }] },
      getNode: ({ id }) => ({ node: { id, state: NodeState.ONLINE, labels: { role: 'web' } } }),
    },
  );
  const table = lines(await muster(supervisor, ['node', 'list']));
  expect(table[1]).toMatch(/^web-1 +● online/);
  expect(table[2]).toMatch(/^web-2 +\? unreachable/);
  expect(document(await muster(supervisor, ['node', 'list', '-o', 'json']))).toMatchObject({
    nodes: [{ id: 'web-1', state: 'NODE_STATE_ONLINE', active: 0 }, { id: 'web-2' }],
  });
  expect((await muster(supervisor, ['node', 'get', 'web-1'])).stdout.toString()).toMatch(
    /Labels +role=web/,
  );
});

test('labels of a node are given and taken back', async () => {
  const requests: unknown[] = [];
  await override(
    {},
    {
      updateNode: ({ id, setLabels, removeLabels }) => {
        requests.push([id, setLabels, removeLabels]);
        return { node: { id, labels: { os: 'linux', ...setLabels }, serverLabels: setLabels } };
      },
    },
  );
  const changed = await muster(supervisor, ['node', 'label', 'web-1', 'role=web', 'zone-', 'e=']);
  expect(changed.stdout.toString()).toMatch(/^web-1 .*role=web/);
  expect(requests).toEqual([['web-1', { role: 'web', e: '' }, ['zone']]]);
  const json = await muster(supervisor, ['node', 'label', 'web-1', 'a=b', '-o', 'json']);
  expect(document(json)).toMatchObject({ id: 'web-1', serverLabels: { a: 'b' } });
  const twice = await muster(supervisor, ['node', 'label', 'web-1', 'a=b', 'a-']);
  expect(twice.code).toBe(2);
  expect(twice.stderr.toString()).toContain("'a' is both given and taken back");
});
