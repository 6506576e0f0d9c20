// The port: its pages and limits, what garbage and slow clients get, TLS, and an orderly end.

import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import { afterEach, describe, expect, it } from 'vitest';
import { TaskService } from '../../proto/gen/muster/v1/task_service_pb.ts';
import { type Clock, systemClock } from '../process/clock.ts';
import { silentLogger } from '../process/log.ts';
import { kindOf } from '../rpc/library-errors.ts';
import { StubSupervisor, taskId } from '../rpc/testing/stub-supervisor.ts';
import { bearer, TOKENS, WAYS } from './testing/transports.ts';
import { listen } from './listen.ts';
import { converse, soon } from './testing/raw-client.ts';
import { startTestServer, TEST_CERT, type TestServer } from './testing/test-server.ts';

/** A server that waits this long for calls under way would not be done before the test is given up. */
const NEVER_MS = 600_000;

let server: TestServer;
const stub = new StubSupervisor();

async function start(options: { tls?: boolean; clock?: Clock; headersTimeoutMs?: number } = {}) {
  server = await startTestServer({ supervisor: stub, tokens: TOKENS, ...options });
  return server;
}

afterEach(async () => {
  stub.isUp = true;
  stub.failure = null;
  await server.close(0);
});

const user = { headers: { authorization: `Bearer ${TOKENS.user}` } };
const openConnect = (httpVersion: '1.1' | '2') =>
  createConnectTransport({
    baseUrl: server.url,
    httpVersion,
    interceptors: [bearer(TOKENS.user)],
  });
const tasksOver = (transport: Transport) => createClient(TaskService, transport);

describe('pages', () => {
  it('serves a page, the probes and metrics', async () => {
    await start();
    const page = await fetch(server.url);
    expect(await page.text()).toContain('muster.v1');
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
    stub.isUp = false;
    expect((await fetch(`${server.url}/readyz`)).status).toBe(503);
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    stub.isUp = true;
    server.stop();
    expect((await fetch(`${server.url}/readyz`)).status).toBe(503);
    const missing = await fetch(`${server.url}/nothing`);
    expect([missing.status, ((await missing.json()) as { message: string }).message]).toEqual([
      404,
      'There is nothing at GET /nothing; the API is muster.v1, for example POST /muster.v1.TaskService/ListTasks',
    ]);
  });

  it('I11: gives metrics to the user token only', async () => {
    await start();
    await tasksOver(openConnect('1.1')).listTasks({});
    for (const headers of [{}, { authorization: `Bearer ${TOKENS.agent}` }]) {
      const refused = await fetch(`${server.url}/metrics`, { headers });
      expect(refused.status).toBe(401);
    }
    const text = await (await fetch(`${server.url}/metrics`, user)).text();
    expect(text).toContain(
      'muster_rpc_calls_total{method="muster.v1.TaskService/ListTasks",code="ok"} 1\n',
    );
    expect(text).toContain('# TYPE process_uptime_seconds gauge\n');
  });

  it('serves them over HTTP/2 as well', async () => {
    await start();
    const session = http2.connect(server.url);
    session.on('error', () => {});
    const stream = session.request({ ':path': '/healthz' });
    const { promise, resolve } = Promise.withResolvers<number>();
    stream.on('response', (headers) => resolve(headers[':status'] ?? 0));
    stream.resume();
    expect(await promise).toBe(200);
    session.close();
  });
});

describe('limits', () => {
  it.each(['1.1', '2'] as const)('refuses a message of 100 MB over HTTP/%s', async (version) => {
    await start();
    const before = process.memoryUsage().rss;
    const body = Buffer.alloc(100_000_000, 97);
    const tasks = tasksOver(openConnect(version));
    const spec = {
      target: { kind: { case: 'any' as const, value: {} } },
      action: {
        case: 'script' as const,
        value: { program: { case: 'body' as const, value: body.toString('latin1') } },
      },
    };
    const error = (await tasks
      .createTask({ spec })
      .catch((thrown: unknown) => thrown)) as ConnectError;
    // The answer may be overtaken by the reset of the rest of the upload.
    expect([Code.ResourceExhausted, Code.Aborted, Code.Canceled, Code.Internal]).toContain(
      error.code,
    );
    if (error.code === Code.ResourceExhausted) {
      expect(error.rawMessage).toBe(
        'Cannot create the task: the message is too large; it may have at most 4 MiB',
      );
      expect(kindOf(error)).toBe('resource_exhausted');
    }
    await expect(tasksOver(openConnect(version)).listTasks({})).resolves.toBeDefined();
    // This process is the client too, and holds its own copies of the message.
    expect(process.memoryUsage().rss - before).toBeLessThan(900_000_000);
  });

  it('says what is too large, to a client that announces it and over gRPC', async () => {
    await start();
    const announced = await converse(
      server.port,
      `POST /muster.v1.TaskService/CreateTask HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKENS.user}\r\nContent-Type: application/json\r\nContent-Length: 100000000\r\nConnection: close\r\n\r\n{`,
    );
    expect(announced).toMatch(/^HTTP\/1\.1 429 /);
    expect(announced).toContain('the message is too large; it may have at most 4 MiB');
    const grpc = createGrpcTransport({ baseUrl: server.url, interceptors: [bearer(TOKENS.user)] });
    const ids = Array.from({ length: 150_000 }, () => taskId(1));
    const error = (await tasksOver(grpc)
      .listTasks({ filter: { ids } })
      .catch((thrown: unknown) => thrown)) as ConnectError;
    expect([error.code, error.rawMessage, kindOf(error)]).toEqual([
      Code.ResourceExhausted,
      'Cannot list tasks: the message is too large; it may have at most 4 MiB',
      'resource_exhausted',
    ]);
  });

  it('takes no byte of a message without a token', async () => {
    await start();
    const answer = await converse(
      server.port,
      'POST /muster.v1.TaskService/CreateTask HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100000000\r\nConnection: close\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 401 /);
    expect(answer).toContain('no token was given');
  });

  it('refuses headers over 16 KiB', async () => {
    await start();
    const answer = await converse(
      server.port,
      `GET / HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(17_000)}\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
  });

  it('holds 2,000 streams on one connection', async () => {
    await start();
    const session = http2.connect(server.url);
    session.on('error', () => {});
    await new Promise((resolve) => session.once('remoteSettings', resolve));
    expect(session.remoteSettings.maxConcurrentStreams).toBeGreaterThanOrEqual(2_000);
    let answered = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    for (let count = 0; count < 2_000; count += 1) {
      const stream = session.request({
        ':method': 'POST',
        ':path': '/muster.v1.TaskService/WatchTasks',
        'content-type': 'application/connect+proto',
        authorization: `Bearer ${TOKENS.user}`,
      });
      stream.on('error', () => {});
      stream.on('close', () => {
        answered += 1;
        if (answered === 2_000) resolve();
      });
      stream.resume();
      stream.end(Buffer.from([0, 0, 0, 0, 0]));
    }
    const watches = () => stub.calls.filter(({ name }) => name === 'watch').length;
    await expect.poll(watches, { timeout: 25_000 }).toBe(2_000);
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    server.stop();
    await promise;
    session.destroy();
  });
});

describe('TLS', () => {
  it('serves HTTP/1.1 and HTTP/2', async () => {
    await start({ tls: true });
    expect(server.url).toBe(`https://127.0.0.1:${server.port}`);
    for (const way of WAYS.filter(({ tls }) => tls)) {
      const tasks = tasksOver(way.open(server.url, [bearer(TOKENS.user)]));
      await expect(tasks.listTasks({ pageSize: 1 })).resolves.toBeDefined();
    }
  });

  it('closes on cleartext', async () => {
    await start({ tls: true });
    await converse(server.port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    const tasks = tasksOver(
      (WAYS.find(({ tls }) => tls) as (typeof WAYS)[number]).open(server.url, [
        bearer(TOKENS.user),
      ]),
    );
    await expect(tasks.listTasks({ pageSize: 1 })).resolves.toBeDefined();
  });

  it('refuses a key that does not fit', async () => {
    await start();
    const tls = { cert: TEST_CERT, key: 'nonsense' };
    const opening = listen({
      host: '127.0.0.1',
      port: 0,
      tls,
      handler() {},
      clock: systemClock,
      log: silentLogger,
    });
    await expect(opening).rejects.toThrow(/^Cannot use the TLS certificate and key: /);
  });
});

describe('the end', () => {
  it('lets calls under way finish, and ends streams with unavailable', async () => {
    await start();
    await tasksOver(openConnect('2')).createTask({
      spec: {
        target: { kind: { case: 'any', value: {} } },
        action: { case: 'script', value: { program: { case: 'body', value: 'x' } } },
      },
    });
    const id = stub.records.at(-1)?.id ?? '';
    const isCalled = (name: string, times: number) => () =>
      stub.calls.filter((call) => call.name === name).length >= times;
    stub.calls.length = 0;
    const waits = (['1.1', '2'] as const).map((version) =>
      tasksOver(openConnect(version)).waitTask({ id }),
    );
    const watches = (['1.1', '2'] as const).map(async (version) => {
      for await (const _ of tasksOver(openConnect(version)).watchTasks({}));
    });
    const ends = watches.map((watch) =>
      watch.then(
        () => null,
        (thrown: unknown) => thrown,
      ),
    );
    await expect.poll(isCalled('wait', 2), { timeout: 25_000 }).toBe(true);
    await expect.poll(isCalled('watch', 2), { timeout: 25_000 }).toBe(true);
    server.stop();
    const closing = server.close(NEVER_MS);
    for (const wait of waits) expect((await wait).task?.id).toBe(id);
    for (const end of ends) {
      const error = (await end) as ConnectError;
      expect([error.code, kindOf(error)]).toEqual([Code.Unavailable, 'unavailable']);
    }
    await closing;
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow();
  });

  it('does not wait for idle connections, and not for ever for others', async () => {
    await start();
    const agent = new http.Agent({ keepAlive: true });
    await new Promise((resolve) =>
      http.get(`${server.url}/healthz`, { agent }, (response) =>
        response.resume().on('end', resolve),
      ),
    );
    const session = http2.connect(server.url);
    session.on('error', () => {});
    await new Promise((resolve) => session.once('remoteSettings', resolve));
    const silent = net.connect(server.port, '127.0.0.1');
    await new Promise((resolve) => silent.once('connect', resolve));
    silent.on('error', () => {});
    await server.close(NEVER_MS);
    agent.destroy();

    await start();
    const stuck = tasksOver(openConnect('2')).getTask({ id: taskId(1) });
    stub.tasks.get = () => new Promise(() => {});
    const ended = stuck.catch((thrown: unknown) => thrown);
    const later = tasksOver(openConnect('2')).getTask({ id: taskId(2) });
    const laterEnded = later.catch((thrown: unknown) => thrown);
    await soon();
    await server.close(100);
    expect(await laterEnded).toBeInstanceOf(ConnectError);
    await ended;
  });
});

describe('the address', () => {
  it('names a busy port and what would do', async () => {
    await start();
    const { port } = server;
    const again = listen({
      host: '127.0.0.1',
      port,
      tls: null,
      handler() {},
      clock: systemClock,
      log: silentLogger,
    });
    await expect(again).rejects.toThrow(
      `Cannot listen on 127.0.0.1:${port}: another process uses port ${port}; choose another with --port or MUSTER_LISTEN`,
    );
  });

  it('names an address that is not of this machine', async () => {
    await start();
    const there = listen({
      host: '203.0.113.7',
      port: 0,
      tls: null,
      handler() {},
      clock: systemClock,
      log: silentLogger,
    });
    await expect(there).rejects.toThrow(
      'Cannot listen on 203.0.113.7:0: 203.0.113.7 is no address of this machine; choose another with --listen or MUSTER_LISTEN',
    );
  });
});
