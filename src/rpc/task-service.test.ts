// TaskService and NodeService, by the same tests in memory and over each protocol and HTTP version.

import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MusterError } from '../../machines/errors.ts';
import { DEFAULT_TASK_POLICY } from '../../machines/task-context.ts';
import { Health } from '../../proto/gen/grpc/health/v1/health_pb.ts';
import { NodeService } from '../../proto/gen/muster/v1/node_service_pb.ts';
import { DrainState, NodeState } from '../../proto/gen/muster/v1/node_pb.ts';
import { OutputStream, StartMode, TaskState } from '../../proto/gen/muster/v1/task_pb.ts';
import { Resolution, TaskService } from '../../proto/gen/muster/v1/task_service_pb.ts';
import type { TestServer } from '../http/testing/test-server.ts';
import { METRICS } from '../supervisor/testing/host-metrics.ts';
import { kindOf } from './library-errors.ts';
import { NOW, StubSupervisor, taskId, taskRecord } from './testing/stub-supervisor.ts';
import {
  bearer,
  openInMemory,
  serverFor,
  TOKENS,
  WAYS,
  type Way,
} from '../http/testing/transports.ts';

const stub = new StubSupervisor();
const script = {
  case: 'script',
  value: { program: { case: 'body', value: 'echo hello' } },
} as const;
const any = { kind: { case: 'any', value: {} } } as const;

beforeEach(() => {
  stub.calls.length = 0;
  stub.records.length = 0;
  stub.failure = null;
});

const inMemory = { name: 'in memory', tls: false, hasSessions: true } as Way;

describe.each([inMemory, ...WAYS])('$name', (way) => {
  let server: TestServer | null = null;
  let transport: Transport;

  beforeAll(async () => {
    if (way === inMemory) {
      transport = openInMemory(stub, TOKENS.user);
      return;
    }
    server = await serverFor(way, stub);
    transport = way.open(server.url, [bearer(TOKENS.user)]);
  });
  afterAll(async () => {
    await server?.close(0);
  });

  const tasks = () => createClient(TaskService, transport);
  const nodes = () => createClient(NodeService, transport);

  it('creates a task with the defaults filled in, and keeps its spec', async () => {
    const { task } = await tasks().createTask({
      spec: { target: any, action: script, labels: { app: 'web' } },
      requestId: 'r-1',
    });
    expect(task).toMatchObject({
      id: taskId(1),
      name: 'echo hello',
      state: TaskState.PENDING,
      substate: 'queued',
      maxAttempts: 1,
      priority: 50,
      labels: { app: 'web' },
    });
    expect(task?.spec?.action).toMatchObject(script);
    const [drafts, caller, requestId] = stub.calls[0]?.args ?? [];
    expect(caller).toEqual({ name: 'user' });
    expect(requestId).toBe('r-1');
    expect(drafts).toEqual([
      {
        name: 'echo hello',
        type: 'script',
        labels: { app: 'web' },
        target: { kind: 'any' },
        policy: DEFAULT_TASK_POLICY,
        held: false,
        startAt: null,
        spec: { target: { any: {} }, labels: { app: 'web' }, script: { body: 'echo hello' } },
      },
    ]);
    const read = await tasks().getTask({ id: taskId(1).toUpperCase() });
    expect(read.task?.spec?.action).toMatchObject(script);
  });

  it('takes over every field of a policy, and a start time', async () => {
    await tasks().createTasks({
      specs: [
        {
          name: 'all of it',
          target: { kind: { case: 'nodeId', value: 'node-1' } },
          policy: {
            timeout: { seconds: 30n },
            maxAttempts: 3,
            priority: 0,
            retryInitial: { nanos: 250_000_000 },
            retryMax: { seconds: 2n },
            stopGrace: { seconds: 0n },
            lostAfter: { seconds: 1n, nanos: 500_000_000 },
          },
          startAt: timestampFromMs(NOW),
          action: script,
        },
        { target: any, start: StartMode.MANUAL, action: script },
      ],
    });
    expect(stub.calls[0]?.args[0]).toMatchObject([
      {
        name: 'all of it',
        target: { kind: 'node', nodeId: 'node-1' },
        startAt: NOW,
        held: false,
        policy: {
          timeoutMs: 30_000,
          maxAttempts: 3,
          priority: 0,
          retryInitialMs: 250,
          retryMaxMs: 2_000,
          stopGraceMs: 0,
          lostAfterMs: 1_500,
        },
      },
      { held: true, startAt: null },
    ]);
  });

  it('lists in pages that belong to their filter', async () => {
    for (let count = 0; count < 5; count += 1) {
      await tasks().createTask({ spec: { target: any, action: script } });
    }
    const filter = { states: [TaskState.PENDING], labels: { a: '1', b: '2' } };
    const ids: string[] = [];
    let pageToken = '';
    do {
      const page = await tasks().listTasks({ filter, pageSize: 2, pageToken });
      ids.push(...page.tasks.map((task) => task.id));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(ids).toEqual([5, 4, 3, 2, 1].map(taskId));
    expect(stub.calls.at(-1)?.args).toEqual([
      { states: ['pending'], labels: { a: '1', b: '2' } },
      3,
      taskId(2),
    ]);
    const { nextPageToken } = await tasks().listTasks({ filter, pageSize: 2 });
    const swapped = { ...filter, labels: { b: '2', a: '1' } };
    const next = await tasks().listTasks({ filter: swapped, pageToken: nextPageToken });
    expect(next.tasks).toHaveLength(3);
    const other = tasks().listTasks({ pageSize: 2, pageToken: nextPageToken });
    await expect(other).rejects.toThrow(
      'Cannot list tasks: page_token belongs to another filter; use it with the filter it was given for, or none for the first page',
    );
  });

  it('passes commands on with their notes and their caller', async () => {
    await tasks().createTask({ spec: { target: any, action: script } });
    const id = taskId(1);
    await tasks().executeTask({ id });
    await tasks().cancelTask({ id, note: 'not needed' });
    await tasks().resolveTask({ id, resolution: Resolution.LOST, note: 'burnt' });
    await tasks().retryTask({ id, requestId: 'again' });
    await tasks().deleteTask({ id });
    await tasks().waitTask({ id, timeout: { seconds: 0n } });
    const user = { name: 'user' };
    expect(stub.calls.slice(1).map(({ name, args }) => [name, ...args])).toEqual([
      ['execute', id, user],
      ['cancel', id, 'not needed', user],
      ['resolve', id, 'lost', 'burnt', user],
      ['retry', id, false, user, 'again'],
      ['delete', id],
      ['wait', id, 0],
    ]);
  });

  it('reads history, verification, output and statistics', async () => {
    const id = taskId(1);
    const history = await tasks().getTaskHistory({ id, afterVersion: 1 });
    expect(history.transitions[0]).toMatchObject({
      version: 2,
      eventType: 'execute.requested',
      event: { by: 'user', random: 0.5 },
      fromState: 'pending.held',
      toState: 'pending.queued',
    });
    expect(await tasks().verifyTask({ id })).toMatchObject({ clean: true, transitions: 3 });
    const output = await tasks().readOutput({ id, stream: OutputStream.STDERR, offset: 5n });
    expect([...output.content]).toEqual([0, 255, 10]);
    expect(output).toMatchObject({ nextOffset: 8n, end: true });
    const statistics = await tasks().getStatistics({ createdFrom: timestampFromMs(NOW) });
    expect(statistics).toMatchObject({ total: 2n, createdFrom: timestampFromMs(NOW) });
    expect(statistics.createdUntil).toBeUndefined();
    expect(statistics.oldestPending).toMatchObject([
      { at: timestampFromMs(NOW), oldest: { seconds: 90n, nanos: 500_000_000 } },
    ]);
    expect(statistics.waiting).toMatchObject({
      p50: { nanos: 400_000 },
      p95: { seconds: 1n, nanos: 500_250_000 },
      max: { seconds: 90_061n, nanos: 1_000_000 },
    });
    expect(stub.calls.slice(2).map((call) => call.args)).toEqual([
      [id, 0, 'stderr', 5, 1_048_576],
      [NOW, null],
    ]);
  });

  it('streams output to its end', async () => {
    const record = taskRecord(taskId(1));
    const piece = {
      taskId: record.id,
      attempt: 1,
      stream: 'stderr' as const,
      offset: 0,
      content: Uint8Array.of(1, 2, 3),
      at: NOW,
    };
    stub.output = [
      { kind: 'chunk', piece },
      { kind: 'dropped', attempt: 1, bytes: 9 },
      { kind: 'task', record },
    ];
    const seen: unknown[] = [];
    const stream = tasks().tailOutput({ id: record.id });
    for await (const { item } of stream) {
      seen.push(item.case);
      if (item.case === 'chunk') expect([...item.value.content]).toEqual([1, 2, 3]);
      if (item.case === 'task') break;
    }
    expect(seen).toEqual(['chunk', 'dropped', 'task']);
  });

  it('streams changes, and stops the watch when the client goes away', async () => {
    const record = taskRecord(taskId(1));
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    stub.changes = (async function* () {
      yield { record, transition: null, isDeleted: false };
      yield { record, transition: null, isDeleted: true };
    })();
    const watch = stub.tasks.watch.bind(stub.tasks);
    stub.tasks.watch = (filter, seen, signal) => {
      signal.addEventListener('abort', () => resolve());
      return watch(filter, seen, signal);
    };
    const seen: unknown[] = [];
    const leaving = new AbortController();
    const request = { seen: [{ id: taskId(1), version: 4 }] };
    const stream = tasks().watchTasks(request, { signal: leaving.signal });
    const watching = (async () => {
      for await (const change of stream) {
        seen.push([change.task?.id, change.task?.name, change.deleted]);
        if (change.deleted) leaving.abort();
      }
    })();
    expect((await failure(watching)).code).toBe(Code.Canceled);
    expect(seen).toEqual([
      [taskId(1), 'a task', false],
      [taskId(1), '', true],
    ]);
    await closed;
    stub.tasks.watch = watch;
    expect(stub.calls[0]?.args[1]).toEqual([[taskId(1), 4]]);
  });

  it('lists and shows nodes', async () => {
    const first = await nodes().listNodes({ pageSize: 2, states: [NodeState.ONLINE] });
    expect(first.nodes.map((node) => node.id)).toEqual(['a', 'b']);
    expect(first.nodes[0]).toMatchObject({ state: NodeState.ONLINE, facts: { cores: 2 } });
    const { nextPageToken: pageToken } = first;
    const rest = await nodes().listNodes({ pageToken, states: [NodeState.ONLINE] });
    expect(rest.nodes.map((node) => node.id)).toEqual(['c']);
    expect((await nodes().getNode({ id: 'b' })).node?.id).toBe('b');
    const drainStates = [DrainState.DRAINED, DrainState.ACTIVE];
    await nodes().listNodes({ states: [NodeState.OFFLINE], drainStates, labels: { a: 'b' } });
    expect(stub.calls.at(-1)?.args[0]).toEqual({
      labels: { a: 'b' },
      states: ['offline'],
      drainStates: ['active', 'drained'],
    });
    // A page of another filter.
    const other = nodes().listNodes({ pageToken, states: [NodeState.ONLINE], drainStates });
    expect((await failure(other)).code).toBe(Code.InvalidArgument);
  });

  it('reads the measurements of a node', async () => {
    const since = timestampFromMs(NOW - 1_000);
    const { points } = await nodes().getNodeMetrics({ nodeId: 'b', since });
    expect(points).toMatchObject([{ cpuShare: METRICS.cpuShare, diskTotalBytes: 0n }]);
    expect(stub.calls.at(-1)).toEqual({ name: 'nodeMetrics', args: ['b', NOW - 1_000, null] });
    const wrong = nodes().getNodeMetrics({ nodeId: 'b', until: { seconds: -1n, nanos: 0 } });
    expect((await failure(wrong)).rawMessage).toContain('until is -1 s');
  });

  it('edits the labels of nodes', async () => {
    const { node } = await nodes().updateNode({
      id: 'b',
      setLabels: { role: 'web' },
      removeLabels: ['zone'],
    });
    expect(node).toMatchObject({ id: 'b', labels: { role: 'web' }, serverLabels: { role: 'web' } });
    expect(stub.calls.at(-1)?.args).toEqual(['b', { set: { role: 'web' }, remove: ['zone'] }]);
    const refused = await failure(nodes().updateNode({ id: 'b', removeLabels: ['not a key'] }));
    expect(refused.code).toBe(Code.InvalidArgument);
  });

  it('gives every failure its code, its sentence and its kind', async () => {
    const missing = await failure(tasks().getTask({ id: taskId(9) }));
    expect([missing.code, missing.rawMessage, kindOf(missing)]).toEqual([
      Code.NotFound,
      `There is no task ${taskId(9)}`,
      'unknown_task',
    ]);
    stub.failure = new MusterError('illegal_transition', 'Cannot execute task x: it is running');
    const illegal = await failure(tasks().executeTask({ id: taskId(1) }));
    expect([illegal.code, kindOf(illegal)]).toEqual([
      Code.FailedPrecondition,
      'illegal_transition',
    ]);
    stub.failure = new TypeError('secret is undefined');
    const defect = await failure(tasks().executeTask({ id: taskId(1) }));
    expect([defect.code, defect.rawMessage, kindOf(defect)]).toEqual([
      Code.Internal,
      'Cannot execute the task: something went wrong inside Muster; the log of the supervisor says what',
      'internal',
    ]);
    const streamed = (async () => {
      for await (const _ of tasks().tailOutput({ id: taskId(1) }));
    })();
    stub.failure = new MusterError('unavailable', 'The database is away');
    const stream = await failure(streamed);
    expect([stream.code, kindOf(stream)]).toEqual([Code.Unavailable, 'unavailable']);
  });

  it('tells its health without a token', async () => {
    const anonymous =
      way === inMemory
        ? openInMemory(stub, null)
        : way.open((server as TestServer).url, [bearer(null)]);
    const health = createClient(Health, anonymous);
    // Deno's client cannot write an empty body over TLS (write EPERM), so the service is always named.
    expect(await health.check({ service: 'muster.v1.TaskService' })).toMatchObject({ status: 1 });
    const unknown = await failure(health.check({ service: 'muster.v1.Nothing' }));
    expect(unknown.code).toBe(Code.NotFound);
    for await (const { status } of health.watch({ service: 'x' })) {
      expect(status).toBe(3);
      break;
    }
  });
});

async function failure(call: Promise<unknown>): Promise<ConnectError> {
  const thrown = await call.then(
    () => null,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(ConnectError);
  return thrown as ConnectError;
}
