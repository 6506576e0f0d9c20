// Calls over connections that break in every way: each ends with an error soon, and none ends the process.
import type { Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { afterEach, expect, test } from 'vitest';
import { TaskService } from '../../proto/gen/muster/v1/task_service_pb.ts';
import { asConnectError, isConnectionLost } from './explain.ts';
import { SessionManager } from './session-manager.ts';
import { ScriptedSupervisor, TOKEN } from './testing/scripted-supervisor.ts';

let server: Server | undefined;
const sockets = new Set<Socket>();

afterEach(() => {
  for (const socket of sockets) socket.destroy();
  server?.close();
});

/** Listens with what happens to each connection. */
async function listen(accept: (socket: Socket) => void): Promise<string> {
  const listener = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    accept(socket);
  });
  server = listener;
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
}

function connect(url: string, pingIntervalMs?: number) {
  const sessionManager = new SessionManager(url, {}, pingIntervalMs);
  return createClient(
    TaskService,
    createConnectTransport({ baseUrl: url, httpVersion: '2', sessionManager }),
  );
}

/** Returns the error of a call. */
async function failureOf(call: Promise<unknown>) {
  const error = await call.then(
    () => new Error('it has succeeded'),
    (thrown: unknown) => thrown,
  );
  const failure = asConnectError(error);
  if (failure === undefined) throw error;
  return failure;
}

test.each([
  ['at once', (socket: Socket) => void socket.destroy()],
  ['with a reset', (socket: Socket) => void socket.resetAndDestroy()],
  ['after the first bytes', (socket: Socket) => void socket.once('data', () => socket.destroy())],
  [
    'after the request',
    (socket: Socket) => void socket.on('data', (data) => data.length < 100 || socket.destroy()),
  ],
])('a connection that is closed %s is a lost connection', async (_name, accept) => {
  const client = connect(await listen(accept));
  for (let round = 0; round < 10; round += 1) {
    const failure = await failureOf(client.getTask({ id: 'x' }, { timeoutMs: 20_000 }));
    expect(isConnectionLost(failure), failure.message).toBe(true);
    expect(failure.rawMessage).not.toContain('timed out');
  }
});

test('a peer that answers nothing, not even a ping, is given up', async () => {
  const client = connect(await listen((socket) => socket.resume()), 20);
  const failure = await failureOf(client.getTask({ id: 'x' }, { timeoutMs: 20_000 }));
  expect(isConnectionLost(failure)).toBe(true);
  expect(failure.rawMessage).not.toContain('timed out');
});

test('pings keep a stream without messages open', async () => {
  const supervisor = new ScriptedSupervisor();
  const pings = new Promise<void>((resolve) => {
    let count = 0;
    supervisor.onPing = () => {
      count += 1;
      if (count === 3) resolve();
    };
  });
  supervisor.taskOverrides = {
    waitTask: async ({ id }) => {
      await pings;
      return { task: { id } };
    },
  };
  await supervisor.start();
  const headers = { authorization: `Bearer ${TOKEN}` };
  const { task } = await connect(supervisor.url, 250).waitTask({ id: 'x' }, { headers });
  expect(task?.id).toBe('x');
  await supervisor.destroy();
});

test('after a lost connection the next call has a new one', async () => {
  const supervisor = new ScriptedSupervisor();
  await supervisor.start();
  const client = connect(supervisor.url);
  const headers = { authorization: `Bearer ${TOKEN}` };
  await client.listTasks({}, { headers });
  await supervisor.destroy();
  await supervisor.start();
  // The end of the old connection may be noticed by this very call.
  await client.listTasks({}, { headers }).catch(() => undefined);
  await client.listTasks({}, { headers });
  await supervisor.destroy();
});
