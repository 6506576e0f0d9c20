/**
 * The WebSocket at /inspect/ws?task=ID: a task as frames of @statelyai/inspect, from its first step on and live.
 *
 * For whoever holds the user token, or a page of ours with its session; everybody else is refused before anything is upgraded. What
 * a client sends is ignored, and little of it accepted. A client that reads slowly is written to as slowly, and one that has
 * gone away is noticed by its pongs.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Clock, Timer } from '../../process/clock.ts';
import type { Logger } from '../../process/log.ts';
import { inspectTask } from '../../rpc/inspection.ts';
import type { Tasks } from '../../supervisor/supervisor.ts';
import { framesOf } from './frames.ts';

export const INSPECT_PATH = '/inspect/ws';
/** Open at once. */
export const MAX_SOCKETS = 64;
/** Of what a client sends. */
const MAX_FRAME_BYTES = 1_024;
/** A client that has not answered by then is gone. */
const PING_INTERVAL_MS = 15_000;
const TASK_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Codes of RFC 6455. */
const CLOSE = { normal: 1000, goingAway: 1001, failed: 1011 } as const;

export interface InspectOptions {
  readonly tasks: Tasks;
  /** Tells whether a request comes from the user, by its token or its session. */
  readonly isUser: (header: Headers, host: string | null) => boolean;
  readonly clock: Clock;
  readonly log: Logger;
  /** Fires when the process begins to stop. */
  readonly stopping: AbortSignal;
}

export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** Makes what answers requests for an upgrade; those for other paths are refused. */
export function createInspectSockets(options: InspectOptions): UpgradeHandler {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_FRAME_BYTES,
    perMessageDeflate: false,
    clientTracking: false,
  });
  /** Also those of which it is not known yet whether there is such a task. */
  let open = 0;
  return (request, socket, head) => {
    // Nobody else listens for a connection that breaks before it is upgraded.
    socket.on('error', () => {});
    const refusal = refusalOf(request, options, open);
    if (refusal !== null) return refuse(socket, refusal);
    open += 1;
    socket.once('close', () => (open -= 1));
    const id = taskIdOf(request);
    void options.tasks.get(id).then(
      () => {
        if (socket.destroyed) return;
        server.handleUpgrade(request, socket, head, (opened) => void serve(opened, id, options));
      },
      (thrown: unknown) => refuse(socket, { status: 404, message: sentenceOf(thrown) }),
    );
  };
}

interface Refusal {
  readonly status: 400 | 401 | 404 | 503;
  readonly message: string;
}

function refusalOf(
  request: IncomingMessage,
  { isUser, stopping }: InspectOptions,
  open: number,
): Refusal | null {
  const { pathname } = urlOf(request);
  if (pathname !== INSPECT_PATH) {
    return {
      status: 404,
      message: `There is no WebSocket at ${pathname}; there is ${INSPECT_PATH}`,
    };
  }
  if (!isUser(headersOf(request), request.headers.host ?? null)) {
    const message =
      'Cannot inspect tasks: send the header "Authorization: Bearer TOKEN" with the user token';
    return { status: 401, message };
  }
  if (!TASK_ID.test(taskIdOf(request))) {
    return { status: 400, message: `Cannot inspect: name a task, as in ${INSPECT_PATH}?task=ID` };
  }
  if (stopping.aborted) return { status: 503, message: 'This supervisor is stopping' };
  if (open < MAX_SOCKETS) return null;
  return { status: 503, message: `There are ${open} inspectors already; close some first` };
}

const STATUS_TEXT = {
  400: 'Bad Request',
  401: 'Unauthorized',
  404: 'Not Found',
  503: 'Service Unavailable',
} as const;

function refuse(socket: Duplex, { status, message }: Refusal): void {
  if (socket.destroyed) return;
  const body = JSON.stringify({ message });
  const challenge = status === 401 ? 'www-authenticate: Bearer\r\n' : '';
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_TEXT[status]}\r\nconnection: close\r\n${challenge}` +
      `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}

/** Sends all frames of a task, then closes. */
async function serve(socket: WebSocket, id: string, options: InspectOptions): Promise<void> {
  const { tasks, clock, log, stopping } = options;
  const gone = new AbortController();
  const stop = () => gone.abort();
  stopping.addEventListener('abort', stop, { once: true });
  socket.on('close', stop);
  // A close follows.
  socket.on('error', (error) => log.debug('inspector broken', { why: error }));
  const pings = keepAlive(socket, clock);
  try {
    for await (const inspected of inspectTask(tasks, id.toLowerCase(), gone.signal)) {
      for (const frame of framesOf(inspected)) await send(socket, JSON.stringify(frame));
      if (gone.signal.aborted) break;
    }
    const [code, why] = stopping.aborted
      ? ([CLOSE.goingAway, 'the supervisor is stopping'] as const)
      : ([CLOSE.normal, 'the task changes no more'] as const);
    socket.close(code, why);
  } catch (thrown) {
    if (!gone.signal.aborted) log.warn('cannot go on inspecting', { task: id, why: thrown });
    socket.close(CLOSE.failed, reasonOf(sentenceOf(thrown)));
  } finally {
    stopping.removeEventListener('abort', stop);
    pings.cancel();
  }
}

/** Resolves once the text is handed to the system: who reads slowly is waited for. */
async function send(socket: WebSocket, text: string): Promise<void> {
  if (socket.readyState !== socket.OPEN) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  // An error is that of a connection that is closed thereupon.
  socket.send(text, () => resolve());
  await promise;
}

/** Ends a connection whose other end does not answer any more. */
function keepAlive(socket: WebSocket, clock: Clock): Timer {
  let isAnswered = true;
  let timer: Timer;
  socket.on('pong', () => (isAnswered = true));
  const next = () => {
    timer = clock.after(PING_INTERVAL_MS, () => {
      if (!isAnswered) return socket.terminate();
      isAnswered = false;
      socket.ping();
      next();
    });
  };
  next();
  return { cancel: () => timer.cancel() };
}

function urlOf({ url }: IncomingMessage): URL {
  const path = url ?? '/';
  return new URL(path.startsWith('/') ? `http://muster${path}` : 'http://muster/');
}

function taskIdOf(request: IncomingMessage): string {
  return urlOf(request).searchParams.get('task') ?? '';
}

function headersOf({ headers }: IncomingMessage): Headers {
  const names = ['authorization', 'cookie', 'origin', 'sec-fetch-site'] as const;
  return new Headers(
    names.flatMap((name) => {
      const value = headers[name];
      return typeof value === 'string' ? [[name, value] as [string, string]] : [];
    }),
  );
}

function sentenceOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : 'the supervisor failed';
}

/** A reason of a close has at most 123 bytes. */
function reasonOf(sentence: string): string {
  return Buffer.from(sentence).subarray(0, 120).toString('utf8').replace(/�+$/, '');
}
