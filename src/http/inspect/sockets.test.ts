/** /inspect/ws against a real supervisor, read by the receiver of @statelyai/inspect itself. */
import net, { type AddressInfo } from 'node:net';
import { createWebSocketReceiver, type StatelyInspectionEvent } from '@statelyai/inspect';
import { afterEach, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createMachine } from 'xstate';
import { eventually } from '../../../test/eventually.ts';
import { type Clock, SimulatedClock } from '../../process/clock.ts';
import { cookieName, makeSession } from '../../rpc/console-session.ts';
import { caller, create, draft, reaches, useBench } from '../../supervisor/testing/test-bench.ts';
import type { Supervisor } from '../../supervisor/supervisor.ts';
import { WorkingAgent } from '../../supervisor/testing/working-agent.ts';
import { converse } from '../testing/raw-client.ts';
import { MAX_SOCKETS } from './sockets.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';
import { TOKENS } from '../testing/transports.ts';

const bench = useBench();
const cleaning: (() => unknown)[] = [];
const BEARER = { authorization: `Bearer ${TOKENS.user}` };

afterEach(async () => {
  for (const clean of cleaning.splice(0).reverse()) await clean();
});

async function start(
  options: { tls?: boolean; clock?: Clock } = {},
): Promise<{ supervisor: Supervisor; server: TestServer }> {
  const supervisor = await bench.start();
  const server = await startTestServer({ supervisor, tokens: TOKENS, ...options });
  cleaning.push(() => server.close(0));
  return { supervisor, server };
}

async function withAgent(supervisor: Supervisor): Promise<WorkingAgent> {
  const agent = new WorkingAgent('web-1');
  agent.exitCodeOf = () => null;
  await agent.connect(supervisor);
  cleaning.push(() => agent.disconnect());
  return agent;
}

/** The receiver knows an address only: what lies between adds the token, as a proxy of an operator would. */
async function throughProxy(server: TestServer): Promise<string> {
  const proxy = net.createServer((from) => {
    const to = net.connect(server.port, '127.0.0.1');
    let isFirst = true;
    from.on('data', (bytes: Buffer) => {
      const text = `\r\nAuthorization: ${BEARER.authorization}\r\n`;
      to.write(isFirst ? bytes.toString('latin1').replace('\r\n', text) : bytes, 'latin1');
      isFirst = false;
    });
    to.pipe(from);
    from.on('close', () => to.destroy());
    for (const socket of [from, to]) socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  cleaning.push(() => proxy.close());
  return `ws://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
}

function receive(address: string): StatelyInspectionEvent[] {
  const frames: StatelyInspectionEvent[] = [];
  createWebSocketReceiver({ server: address }).subscribe((frame) => frames.push(frame));
  return frames;
}

/** Opens a socket; resolves with how it was answered. */
async function open(url: string, headers: Record<string, string>, autoPong = true) {
  const socket = new WebSocket(url, { headers, rejectUnauthorized: false, autoPong });
  const messages: string[] = [];
  socket.on('message', (data: Buffer) => messages.push(data.toString()));
  const closed = new Promise<{ code: number; why: string }>((resolve) => {
    socket.on('close', (code, why) => resolve({ code, why: why.toString() }));
  });
  const status = await new Promise<number>((resolve, reject) => {
    socket.on('open', () => resolve(101));
    socket.on('unexpected-response', (request, response) => {
      resolve(response.statusCode ?? 0);
      request.destroy();
    });
    socket.on('error', reject);
  });
  cleaning.push(() => socket.terminate());
  return { socket, status, messages, closed };
}

const path = (id: string) => `/inspect/ws?task=${id}`;
const valuesOf = (frames: readonly StatelyInspectionEvent[]) =>
  frames.flatMap((frame) =>
    frame.type === '@xstate.snapshot' ? [(frame.snapshot as { value?: unknown }).value] : [],
  );

it('sends the receiver of the package the history first, then each step as it is committed', async () => {
  const { supervisor, server } = await start();
  await withAgent(supervisor);
  const [id = ''] = await create(supervisor, draft('web-1'));
  await reaches(supervisor, id, 'running.dispatched');
  const frames = receive(`${await throughProxy(server)}${path(id)}`);
  const shows = (value: object) =>
    valuesOf(frames).some((shown) => JSON.stringify(shown) === JSON.stringify(value));
  await eventually(() => shows({ running: 'dispatched' }), 'the history has come');
  await supervisor.tasks.cancel(id, 'enough', caller);
  await eventually(() => shows({ running: 'stopping' }), 'the live step has come');

  const [actor, ...rest] = frames;
  expect(actor).toMatchObject({ type: '@xstate.actor', sessionId: id, rootId: id });
  expect(actor?.type === '@xstate.actor' && actor.definition).toBeTypeOf('string');
  const definition = JSON.parse((actor as { definition: string }).definition) as object;
  // It is a machine that XState can make again.
  expect(createMachine(definition).states).toHaveProperty('running');
  const { transitions } = await supervisor.tasks.history(id, 0, 100);
  const expected = transitions.flatMap(({ event }) => [
    ['@xstate.event', event.type],
    ['@xstate.snapshot', event.type],
  ]);
  const typesOf = (frame: StatelyInspectionEvent) =>
    frame.type === '@xstate.actor' ? [] : [frame.type, frame.event.type];
  expect(rest.map(typesOf)).toEqual(expected);
  for (const frame of frames) {
    expect(frame.createdAt).toMatch(/^\d{13}$/);
    expect(frame._version).toBe('0.7.2');
  }
});

it('gives after each step the snapshot that the supervisor has stored, and ends with the task', async () => {
  const { supervisor, server } = await start();
  const agent = await withAgent(supervisor);
  agent.exitCodeOf = () => 0;
  const [id = ''] = await create(supervisor, draft('web-1'));
  await reaches(supervisor, id, 'completed');
  const { messages, closed } = await open(server.url.replace('http', 'ws') + path(id), BEARER);
  expect(await closed).toEqual({ code: 1000, why: 'the task changes no more' });
  const last = JSON.parse(messages.at(-1) ?? '') as { snapshot: object };
  const { record } = await supervisor.tasks.get(id);
  expect(last.snapshot).toEqual({
    status: 'done',
    value: 'completed',
    context: JSON.parse(JSON.stringify(record.snapshot.context)),
  });
  expect(messages).toHaveLength(1 + 2 * record.version);
});

it('shows fan-outs by their own machine', async () => {
  const { supervisor, server } = await start();
  await withAgent(supervisor);
  const selection = { nodes: ['web-1'], selector: '', groups: [], all: false, exclude: [] };
  const fanOut = {
    selection,
    maxParallel: null,
    maxFailures: null,
    deadlineMs: null,
    order: 'given' as const,
  };
  const [id = ''] = await create(supervisor, draft(null, {}, { fanOut, type: 'fan_out' }));
  const { messages } = await open(server.url.replace('http', 'ws') + path(id), BEARER);
  await eventually(
    () => messages.some((text) => text.includes('"value":{"running":"rolling"}')),
    'it rolls',
  );
  expect(messages[0]).toContain('rolling');
});

it('takes the session of a browser from a page of its own, and from no other', async () => {
  const { supervisor, server } = await start();
  const [id = ''] = await create(supervisor, draft(null, {}, { held: true }));
  const url = server.url.replace('http', 'ws') + path(id);
  const cookie = `${cookieName(TOKENS.user)}=${makeSession(TOKENS.user, Date.now())}`;
  expect((await open(url, { cookie, origin: server.url })).status).toBe(101);
  expect((await open(url, { cookie, origin: 'https://evil.example' })).status).toBe(401);
  expect((await open(url, { cookie })).status).toBe(401);
  const cross = { cookie, origin: server.url, 'sec-fetch-site': 'cross-site' };
  expect((await open(url, cross)).status).toBe(401);
  // A wrong token is not made good by a cookie.
  const wrong = { cookie, origin: server.url, authorization: 'Bearer wrong' };
  expect((await open(url, wrong)).status).toBe(401);
});

it('refuses before anything is upgraded (I11)', async () => {
  const { supervisor, server } = await start();
  const [id = ''] = await create(supervisor, draft(null, {}, { held: true }));
  const url = server.url.replace('http', 'ws');
  expect((await open(url + path(id), {})).status).toBe(401);
  const agent = { authorization: `Bearer ${TOKENS.agent}` };
  expect((await open(url + path(id), agent)).status).toBe(401);
  expect((await open(`${url}/other`, BEARER)).status).toBe(404);
  expect((await open(url + path('nothing'), BEARER)).status).toBe(400);
  const unknown = id.replace(/.{4}$/, 'ffff');
  expect((await open(url + path(unknown), BEARER)).status).toBe(404);
  const answer = await converse(
    server.port,
    `GET ${path(id)} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
  );
  expect(answer).toContain('401 Unauthorized');
  expect(answer).toContain('Cannot inspect tasks: send the header');
});

it('has nothing sent to it that is large', async () => {
  const { supervisor, server } = await start();
  const [id = ''] = await create(supervisor, draft(null, {}, { held: true }));
  const { socket, closed } = await open(server.url.replace('http', 'ws') + path(id), BEARER);
  socket.send('x'.repeat(1_000));
  socket.send('x'.repeat(2_000));
  expect((await closed).code).toBe(1009);
});

it('gives up a client that does not answer any more', async () => {
  const clock = new SimulatedClock();
  const { supervisor, server } = await start({ clock });
  const [id = ''] = await create(supervisor, draft(null, {}, { held: true }));
  const url = server.url.replace('http', 'ws') + path(id);
  const silent = await open(url, BEARER, false);
  const alive = await open(url, BEARER);
  let end: { code: number } | null = null;
  void silent.closed.then((closed) => (end = closed));
  let pings = 0;
  alive.socket.on('ping', () => (pings += 1));
  clock.advance(15_000);
  await eventually(() => pings === 1, 'the first ping has come');
  await eventually(() => {
    clock.advance(1_000);
    return end !== null;
  }, 'the silent one is given up');
  expect(end).toMatchObject({ code: 1006 });
});

it('serves so many at once and no more', async () => {
  const { supervisor, server } = await start();
  const [id = ''] = await create(supervisor, draft(null, {}, { held: true }));
  const url = server.url.replace('http', 'ws') + path(id);
  const all = await Promise.all(
    Array.from({ length: MAX_SOCKETS + 1 }, async () => await open(url, BEARER)),
  );
  expect(all.filter(({ status }) => status === 101)).toHaveLength(MAX_SOCKETS);
  expect(all.filter(({ status }) => status === 503)).toHaveLength(1);
  all.find(({ status }) => status === 101)?.socket.terminate();
  await eventually(async () => (await open(url, BEARER)).status === 101, 'there is room again');
});

it('ends with the process, and says so', async () => {
  const { supervisor, server } = await start();
  const [id = ''] = await create(supervisor, draft(null, {}, { held: true }));
  const { closed } = await open(server.url.replace('http', 'ws') + path(id), BEARER);
  server.stop();
  expect(await closed).toEqual({ code: 1001, why: 'the supervisor is stopping' });
});

it('works over TLS', async () => {
  const { supervisor, server } = await start({ tls: true });
  const [id = ''] = await create(supervisor, draft(null, {}, { held: true }));
  const { status, messages } = await open(server.url.replace('http', 'ws') + path(id), BEARER);
  expect(status).toBe(101);
  await eventually(() => messages.length >= 3, 'frames come');
});

it('passes over an offer to speak HTTP/2', async () => {
  const { server } = await start();
  const answer = await converse(
    server.port,
    'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n',
  );
  expect(answer).toContain('200 OK');
});
