/**
 * A supervisor for tests of the command line: a real HTTP/2 server whose tasks do what the test tells them.
 *
 * It can be torn down in the middle of a call and started again on the same port; what its tasks have written stays.
 */
import { createServer } from 'node:http2';
import type { Http2Server } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { create } from '@bufbuild/protobuf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { Interceptor, ServiceImpl } from '@connectrpc/connect';
import { Code, ConnectError } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { GroupService } from '../../../proto/gen/muster/v1/group_service_pb.ts';
import { LiveService } from '../../../proto/gen/muster/v1/live_service_pb.ts';
import { MachineService } from '../../../proto/gen/muster/v1/machine_service_pb.ts';
import { NodeService } from '../../../proto/gen/muster/v1/node_service_pb.ts';
import { ScheduleService } from '../../../proto/gen/muster/v1/schedule_service_pb.ts';
import {
  ErrorDetailSchema,
  OutputStream,
  TaskSchema,
  TaskState,
  TaskType,
} from '../../../proto/gen/muster/v1/task_pb.ts';
import type { Task, TaskSpec } from '../../../proto/gen/muster/v1/task_pb.ts';
import { TaskService } from '../../../proto/gen/muster/v1/task_service_pb.ts';
import type { TailOutputRequest } from '../../../proto/gen/muster/v1/output_pb.ts';

export const TOKEN = 'test-token';

type StreamName = 'stdout' | 'stderr';
export type TaskOverrides = Partial<ServiceImpl<typeof TaskService>>;
export type NodeOverrides = Partial<ServiceImpl<typeof NodeService>>;
export type LiveOverrides = Partial<ServiceImpl<typeof LiveService>>;

/** Returns the error that a supervisor sends. */
export function refusal(kind: string, code: Code, message: string): ConnectError {
  return new ConnectError(message, code, undefined, [{ desc: ErrorDetailSchema, value: { kind } }]);
}

/** Makes a task as it stands. */
export function makeTask(init: MessageInitShape<typeof TaskSchema>): Task {
  return create(TaskSchema, {
    type: TaskType.SCRIPT,
    state: TaskState.RUNNING,
    nodeId: 'node-1',
    attempt: 1,
    maxAttempts: 1,
    priority: 50,
    creator: 'user',
    version: 1,
    createdAt: timestampFromMs(Date.UTC(2026, 0, 1)),
    ...init,
  });
}

/** A task that the test drives: it writes, and it ends. */
export class ScriptedTask {
  #task: Task;
  readonly spec: TaskSpec | undefined;
  readonly #chunks: { attempt: number; stream: StreamName; offset: number; content: Buffer }[] = [];
  readonly #dropped = new Map<number, bigint>();
  #wake: () => void = () => undefined;
  #changed = new Promise<void>((resolve) => {
    this.#wake = resolve;
  });

  constructor(task: Task, spec?: TaskSpec) {
    this.#task = task;
    this.spec = spec;
  }

  get task(): Task {
    return this.#task;
  }

  write(stream: StreamName, content: string | Buffer): this {
    const { attempt } = this.#task;
    const before = this.#chunks.filter((one) => one.attempt === attempt && one.stream === stream);
    const offset = before.reduce((sum, one) => sum + one.content.length, 0);
    this.#chunks.push({ attempt, stream, offset, content: Buffer.from(content) });
    return this.#change();
  }

  drop(bytes: number): this {
    this.#dropped.set(this.#task.attempt, BigInt(bytes));
    return this.#change();
  }

  become(change: Partial<Task>): this {
    this.#task = { ...this.#task, version: this.#task.version + 1, ...change };
    return this.#change();
  }

  /** Resolves at the next change. */
  get changed(): Promise<void> {
    return this.#changed;
  }

  get isFinal(): boolean {
    return this.#task.state >= TaskState.COMPLETED;
  }

  /** What TailOutput has to send, from the offsets of the request. */
  async *tail(request: TailOutputRequest, signal: AbortSignal) {
    let sent = 0;
    const from: Record<StreamName, bigint> = {
      stdout: request.stdoutOffset,
      stderr: request.stderrOffset,
    };
    const gone = new Promise<void>((resolve) =>
      signal.addEventListener('abort', () => resolve(), { once: true }),
    );
    const first = request.attempt || 1;
    for (;;) {
      const { changed } = this;
      for (; sent < this.#chunks.length; sent += 1) {
        const chunk = this.#chunks[sent];
        if (chunk === undefined || chunk.attempt < first) continue;
        const { attempt, stream, offset, content } = chunk;
        const skipped = attempt === first ? Math.max(0, Number(from[stream]) - offset) : 0;
        if (skipped >= content.length) continue;
        const value = {
          attempt,
          stream: stream === 'stdout' ? OutputStream.STDOUT : OutputStream.STDERR,
          offset: BigInt(offset + skipped),
          content: content.subarray(skipped),
        };
        yield { item: { case: 'chunk', value } } as const;
      }
      for (const [attempt, bytes] of this.#dropped) {
        yield { item: { case: 'dropped', value: { attempt, bytes } } } as const;
      }
      if (this.isFinal || request.storedOnly) break;
      await Promise.race([changed, gone]);
      signal.throwIfAborted();
    }
    yield { item: { case: 'task', value: this.#task } } as const;
  }

  #change(): this {
    const wake = this.#wake;
    this.#changed = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    wake();
    return this;
  }
}

/** The server, its tasks and what it was asked. */
export class ScriptedSupervisor {
  readonly tasks = new Map<string, ScriptedTask>();
  /** Names of the methods called, in order. */
  readonly calls: string[] = [];
  /** Each request_id of CreateTask, as often as it came. */
  readonly requestIds: string[] = [];
  /** What the next task that is created does. */
  onCreate: (task: ScriptedTask) => void = () => undefined;
  /** Called for each ping of a client. */
  onPing: () => void = () => undefined;
  /** Replaces methods. */
  taskOverrides: TaskOverrides = {};
  nodeOverrides: NodeOverrides = {};
  liveOverrides: LiveOverrides = {};
  groupMethods: Partial<ServiceImpl<typeof GroupService>> = {};
  machineMethods: Partial<ServiceImpl<typeof MachineService>> = {};
  scheduleMethods: Partial<ServiceImpl<typeof ScheduleService>> = {};
  readonly #createdBy = new Map<string, ScriptedTask>();
  #server: Http2Server | undefined;
  readonly #sockets = new Set<Socket>();
  #port = 0;
  #nextId = 1;
  #waiting: (() => void)[] = [];

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Listens, on the same port as before if there was one. */
  async start(): Promise<void> {
    const server = createServer(
      connectNodeAdapter({
        interceptors: [this.#intercept],
        routes: (router) => {
          router.service(TaskService, { ...this.#taskService(), ...this.taskOverrides });
          router.service(NodeService, { ...this.nodeOverrides });
          router.service(LiveService, { ...this.liveOverrides });
          router.service(GroupService, { ...this.groupMethods });
          router.service(MachineService, { ...this.machineMethods });
          router.service(ScheduleService, { ...this.scheduleMethods });
        },
      }),
    );
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    server.on('session', (session) => session.on('ping', () => this.onPing()));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Breaks every connection and stops listening, as a kill would. */
  async destroy(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  add(task: Task, spec?: TaskSpec): ScriptedTask {
    const scripted = new ScriptedTask(task, spec);
    this.tasks.set(task.id, scripted);
    return scripted;
  }

  /** Resolves once a method has been called `count` times. */
  async called(method: string, count = 1): Promise<void> {
    while (this.calls.filter((call) => call === method).length < count) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  find(id: string): ScriptedTask {
    const task = this.tasks.get(id);
    if (task === undefined) throw refusal('unknown_task', Code.NotFound, `There is no task ${id}`);
    return task;
  }

  readonly #intercept: Interceptor = (next) => async (request) => {
    if (request.header.get('authorization') !== `Bearer ${TOKEN}`) {
      throw refusal('unauthenticated', Code.Unauthenticated, 'the token is wrong');
    }
    this.calls.push(request.method.name);
    for (const wake of this.#waiting.splice(0)) wake();
    return await next(request);
  };

  #taskService(): TaskOverrides {
    return {
      createTask: ({ spec, requestId }) => {
        this.requestIds.push(requestId);
        const known = this.#createdBy.get(requestId);
        if (known !== undefined) return { task: known.task };
        const id = `0198c5f2-7b1a-7000-8000-${String(this.#nextId++).padStart(12, '0')}`;
        const task = this.add(makeTask({ id, name: spec?.name ?? '' }), spec);
        this.#createdBy.set(requestId, task);
        this.onCreate(task);
        return { task: task.task };
      },
      getTask: ({ id }) => ({ task: this.find(id).task }),
      listTasks: ({ filter, pageSize, pageToken }) => {
        const prefix = filter?.idPrefix ?? '';
        const fitting = [...this.tasks.values()].filter(({ task }) => task.id.startsWith(prefix));
        const from = Number(pageToken || 0);
        const until = from + (pageSize ?? 50);
        const tasks = fitting.slice(from, until).map(({ task }) => task);
        return { tasks, nextPageToken: until < fitting.length ? String(until) : '' };
      },
      cancelTask: ({ id }) => ({
        task: this.find(id).become({ state: TaskState.CANCELLED, reason: 'cancelled' }).task,
      }),
      waitTask: async ({ id }) => {
        const task = this.find(id);
        while (!task.isFinal) await task.changed;
        return { task: task.task };
      },
      tailOutput: (request, { signal }) => this.find(request.id).tail(request, signal),
    };
  }
}
