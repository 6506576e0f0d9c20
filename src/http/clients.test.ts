// Clients that send garbage, next to nothing, or break off: each costs itself only.

import http2 from 'node:http2';
import net from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { type Clock, SimulatedClock } from '../process/clock.ts';
import { StubSupervisor } from '../rpc/testing/stub-supervisor.ts';
import { converse, soon } from './testing/raw-client.ts';
import { startTestServer, type TestServer } from './testing/test-server.ts';
import { TOKENS } from './testing/transports.ts';

let server: TestServer;
const stub = new StubSupervisor();

async function start(options: { clock?: Clock; headersTimeoutMs?: number } = {}) {
  server = await startTestServer({ supervisor: stub, tokens: TOKENS, ...options });
}

afterEach(() => server.close(0));

it.each([
  ['bytes that are no HTTP', 'hello, is it me\r\n\r\n'],
  ['a TLS handshake', Buffer.from('16030100a5010000a10303', 'hex')],
  ['half of the HTTP/2 preface', 'PRI * HTTP/3.0\r\n\r\nXX\r\n\r\n'],
  [
    'garbage after the HTTP/2 preface',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff',
  ],
])('closes on %s, and serves the next', async (_, bytes) => {
  await start();
  const answer = await converse(server.port, bytes);
  if (typeof bytes === 'string' && bytes.startsWith('hello')) {
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(answer).toContain('Cannot read the request');
  }
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
});

it.each(['', 'P', 'PR'])('cuts off whoever says only %j', async (bytes) => {
  const clock = new SimulatedClock();
  await start({ clock });
  const answer = converse(server.port, bytes);
  const closed = answer.then(() => true);
  while (!(await Promise.race([closed, soon().then(() => false)]))) clock.advance(10_000);
  expect(await answer).toBe('');
});

it('cuts off whoever sends headers drop by drop', async () => {
  await start({ headersTimeoutMs: 300 });
  const socket = net.connect(server.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n');
  const drip = setInterval(() => socket.write('a: b\r\n'), 50);
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
  await new Promise((resolve) => socket.once('close', resolve));
  clearInterval(drip);
  expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
});

it('closes an HTTP/2 connection without calls after two minutes', async () => {
  const clock = new SimulatedClock();
  await start({ clock });
  const session = http2.connect(server.url);
  session.on('error', () => {});
  const closed = new Promise<boolean>((resolve) => session.once('close', () => resolve(true)));
  await new Promise((resolve) => session.once('remoteSettings', resolve));
  clock.advance(119_000);
  expect(await Promise.race([closed, soon().then(() => false)])).toBe(false);
  clock.advance(1_000);
  expect(await closed).toBe(true);
});

it('reads requests whose body comes right behind their headers', async () => {
  await start();
  const body = '{"pageSize": 5}';
  const head = `POST /muster.v1.TaskService/ListTasks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKENS.user}\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`;
  const once = () =>
    new Promise<string>((resolve) => {
      let answer = '';
      const socket = net.connect({ port: server.port, host: '127.0.0.1', noDelay: true }, () => {
        socket.write(head);
        queueMicrotask(() => socket.write(body));
      });
      socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
      socket.on('error', () => {});
      socket.on('close', () => resolve(answer.slice(0, 15)));
    });
  const answers = new Set<string>();
  for (let round = 0; round < 10; round += 1) {
    for (const one of await Promise.all(Array.from({ length: 20 }, once))) answers.add(one);
  }
  expect([...answers]).toEqual(['HTTP/1.1 200 OK']);
});

it('survives connections that break at any moment', async () => {
  await start();
  for (let count = 0; count < 20; count += 1) {
    const socket = net.connect(server.port, '127.0.0.1', () => {
      socket.write('POST /muster.v1.TaskService/CreateTask HTTP/1.1\r\nHost: x\r\nContent-Le');
      socket.resetAndDestroy();
    });
    socket.on('error', () => {});
    await new Promise((resolve) => socket.once('close', resolve));
    const session = http2.connect(server.url);
    session.on('error', () => {});
    const stream = session.request({
      ':path': '/muster.v1.TaskService/ListTasks',
      ':method': 'POST',
    });
    stream.on('error', () => {});
    // Deno crashes where a client's session is destroyed in the middle of one of its own events.
    session.once('remoteSettings', () => setImmediate(() => session.destroy()));
    await new Promise((resolve) => session.once('close', resolve));
  }
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
});

it('ends only the stream of a garbage frame', async () => {
  await start();
  const session = http2.connect(server.url);
  session.on('error', () => {});
  const answers = ['/muster.v1.TaskService/TailOutput', '/muster.v1.TaskService/WatchTasks'].map(
    (path) => {
      const stream = session.request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/connect+proto',
        authorization: `Bearer ${TOKENS.user}`,
      });
      let text = '';
      stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
      stream.on('error', () => {});
      return {
        stream,
        closed: new Promise((resolve) => stream.on('close', () => resolve(text))),
      };
    },
  );
  answers[1]?.stream.write(Buffer.from([0, 0, 0, 0, 0]));
  answers[0]?.stream.end(Buffer.from([0, 0, 0, 0, 3, 255, 255, 255]));
  expect(await answers[0]?.closed).toContain(
    'Cannot follow the output: the message cannot be read',
  );
  expect(answers[1]?.stream.closed).toBe(false);
  session.destroy();
});
