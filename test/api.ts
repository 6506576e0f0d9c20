/**
 * A client of the API for whole-process tests: patient with a supervisor that is being killed.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import type { Client } from '@connectrpc/connect';
import type { UniversalClientRequest, UniversalClientResponse } from '@connectrpc/connect/protocol';
import { createTransport } from '@connectrpc/connect/protocol-connect';
import type { Task, TaskSpec } from '../proto/gen/muster/v1/task_pb.ts';
import { OutputStream, TaskState } from '../proto/gen/muster/v1/task_pb.ts';
import { TaskService } from '../proto/gen/muster/v1/task_service_pb.ts';
import type { Cluster } from './cluster.ts';

const PATIENCE_MS = 60_000;

export class Api {
  readonly tasks: Client<typeof TaskService>;

  private constructor(tasks: Client<typeof TaskService>) {
    this.tasks = tasks;
  }

  static async of(cluster: Cluster): Promise<Api> {
    const token = await cluster.token();
    const transport = createTransport({
      baseUrl: cluster.url,
      // The fetch of the runtime: Deno's node:http client loses an answer now and then when many calls are open.
      httpClient: callByFetch,
      useBinaryFormat: true,
      acceptCompression: [],
      sendCompression: null,
      compressMinBytes: 0,
      readMaxBytes: 2 ** 25,
      writeMaxBytes: 2 ** 25,
      defaultTimeoutMs: 10_000,
      interceptors: [
        (next) => (request) => {
          request.header.set('Authorization', `Bearer ${token}`);
          // What fetch has unpacked by itself must not look packed to the transport.
          request.header.set('Accept-Encoding', 'identity');
          return next(request);
        },
      ],
    });
    return new Api(createClient(TaskService, transport));
  }

  /** Calls until a supervisor answers. What the answer says is not repeated. */
  async patiently<T>(call: () => Promise<T>): Promise<T> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      try {
        return await call();
      } catch (error) {
        const { code } = ConnectError.from(error);
        const isAway = [
          Code.Unavailable,
          Code.Aborted,
          Code.DeadlineExceeded,
          Code.Internal,
          Code.Unknown,
          Code.Canceled,
        ];
        if (!isAway.includes(code) || performance.now() > deadline) throw error;
        await wait(100);
      }
    }
  }

  async createAll(specs: readonly TaskSpec[]): Promise<string[]> {
    const requestId = randomUUID();
    const { tasks } = await this.patiently(() =>
      this.tasks.createTasks({ specs: [...specs], requestId }),
    );
    return tasks.map((task) => task.id);
  }

  async get(id: string): Promise<Task> {
    const { task } = await this.patiently(() => this.tasks.getTask({ id }));
    if (task === undefined) throw new Error(`GetTask returned nothing for ${id}`);
    return task;
  }

  /** Cancels a task as soon as its process runs; one that is final already is left alone. */
  async cancelWhenRunning(id: string): Promise<void> {
    for (;;) {
      const task = await this.get(id);
      if (isFinal(task)) return;
      if (task.substate === 'executing') break;
      await wait(50);
    }
    try {
      await this.patiently(() => this.tasks.cancelTask({ id, note: 'by the test' }));
    } catch (error) {
      // Only one that became final in between may refuse.
      if (ConnectError.from(error).code !== Code.FailedPrecondition) throw error;
    }
  }

  async untilFinal(id: string): Promise<Task> {
    for (;;) {
      const { task } = await this.patiently(() =>
        this.tasks.waitTask({ id, timeout: { seconds: 5n, nanos: 0 } as never }),
      );
      if (task !== undefined && isFinal(task)) return task;
    }
  }

  async stdout(id: string, attempt: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let offset = 0n;
    for (;;) {
      const part = await this.patiently(() =>
        this.tasks.readOutput({ id, attempt, stream: OutputStream.STDOUT, offset }),
      );
      if (part.content.length === 0) return Buffer.concat(parts);
      parts.push(part.content);
      offset = part.nextOffset;
    }
  }

  /** What `task verify` finds wrong. */
  async differences(id: string): Promise<string[]> {
    const { clean, differences } = await this.patiently(() => this.tasks.verifyTask({ id }));
    return clean ? [] : differences;
  }
}

/** One unary call: the body is small and sent whole, which the fetch of every runtime can do. */
async function callByFetch(request: UniversalClientRequest): Promise<UniversalClientResponse> {
  const parts: Uint8Array[] = [];
  for await (const part of request.body ?? []) parts.push(part);
  const response = await fetch(request.url, {
    method: request.method,
    headers: request.header,
    body: Buffer.concat(parts),
    signal: request.signal ?? null,
  });
  const content = new Uint8Array(await response.arrayBuffer());
  const body = (async function* () {
    yield await Promise.resolve(content);
  })();
  return { status: response.status, header: response.headers, body, trailer: new Headers() };
}

export function isFinal(task: Task): boolean {
  return task.state !== TaskState.PENDING && task.state !== TaskState.RUNNING;
}
