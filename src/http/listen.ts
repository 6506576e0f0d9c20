/**
 * The one port of a supervisor: HTTP/1.1 and HTTP/2, cleartext or TLS, with limits on whatever a client may do to it.
 *
 * Called by the composition root. A misbehaving connection costs itself only. Stopping is orderly: no new connections,
 * calls under way finish within the time given, the rest is cut off.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import http from 'node:http';
import http2, { type Http2Server, type Http2SecureServer } from 'node:http2';
import net, { type AddressInfo, type Socket } from 'node:net';
import type { Clock } from '../process/clock.ts';
import type { Logger } from '../process/log.ts';
import { StartError } from '../process/start-error.ts';
import type { HttpHandler, HttpRequest, HttpResponse } from './adapter.ts';
import { answerUnreadable } from './unreadable.ts';
import { Connections } from './connections.ts';
import type { UpgradeHandler } from './inspect/sockets.ts';
import { handOver } from './first-bytes.ts';

const MAX_CONNECTIONS = 10_000;
const MAX_HEADER_BYTES = 16 * 2 ** 10;
const HEADERS_TIMEOUT_MS = 10_000;
/** For a whole HTTP/1.1 request, its body included. */
const REQUEST_TIMEOUT_MS = 60_000;
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
const TCP_KEEP_ALIVE_MS = 30_000;
const CHECK_INTERVAL_MS = 1_000;

const HTTP1_OPTIONS = {
  maxHeaderSize: MAX_HEADER_BYTES,
  requestTimeout: REQUEST_TIMEOUT_MS,
  keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
  connectionsCheckingInterval: CHECK_INTERVAL_MS,
} as const;

const HTTP2_OPTIONS = {
  settings: { maxConcurrentStreams: 4096, maxHeaderListSize: MAX_HEADER_BYTES },
  /** MB per connection: thousands of calls may be under way on one. */
  maxSessionMemory: 64,
} as const;

export interface ListenOptions {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** PEM texts; null for cleartext. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  readonly handler: HttpHandler;
  /** Answers HTTP/1.1 requests that want to speak something else, such as WebSocket. Default: they are served as if they did not. */
  readonly onUpgrade?: UpgradeHandler;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long the headers of an HTTP/1.1 request may take. Default 10 s. */
  readonly headersTimeoutMs?: number;
}

export interface Listener {
  readonly port: number;
  /** How this machine reaches it, for example http://127.0.0.1:7070. */
  readonly url: string;
  /** Stops accepting, waits up to `graceMs` for what is under way, and ends the rest. */
  close(graceMs: number): Promise<void>;
}

/**
 * Opens the port.
 *
 * @throws StartError when it is taken, not allowed or not an address of this machine, or the certificate is not usable
 */
export async function listen(options: ListenOptions): Promise<Listener> {
  const connections = new Connections(options.clock);
  const handler = (request: HttpRequest, response: HttpResponse) => {
    connections.began(request, response);
    // Nobody else listens for a broken connection, and an error without a listener would end the process.
    request.on('error', () => {});
    response.on('error', () => {});
    options.handler(request, response);
  };
  const server =
    options.tls === null
      ? createCleartextServer(handler, connections, options)
      : createTlsServer(handler, connections, options.tls, options);
  server.maxConnections = MAX_CONNECTIONS;
  await bind(server, options.host, options.port);
  server.on('error', (error: Error) => options.log.error('the port failed', { why: error }));
  const { port } = server.address() as AddressInfo;
  const scheme = options.tls === null ? 'http' : 'https';
  return {
    port,
    url: `${scheme}://${reachable(options.host)}:${port}`,
    async close(graceMs) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await connections.drain(graceMs);
      await closed;
    },
  };
}

type Handler = (request: HttpRequest, response: HttpResponse) => void;

function createCleartextServer(
  handler: Handler,
  connections: Connections,
  { clock, log, onUpgrade, headersTimeoutMs = HEADERS_TIMEOUT_MS }: ListenOptions,
): net.Server {
  const http1Options = {
    ...HTTP1_OPTIONS,
    headersTimeout: headersTimeoutMs,
    // An offer to speak HTTP/2 is passed over, as before; clients of ours begin with it.
    shouldUpgradeCallback: ({ headers }: http.IncomingMessage) =>
      headers.upgrade?.toLowerCase() === 'websocket',
  };
  const http1 = http.createServer(http1Options, handler);
  const http2Server = http2.createServer(HTTP2_OPTIONS, handler);
  http1.on('clientError', answerUnreadable);
  if (onUpgrade !== undefined) http1.on('upgrade', onUpgrade);
  watchSessions(http2Server, connections, log);
  const options = {
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
  };
  const server = net.createServer(options, (socket) => {
    connections.opened(socket);
    handOver(socket, clock, {
      http1: (ready) => http1.emit('connection', ready),
      http2: (ready) => http2Server.emit('connection', ready),
    });
  });
  // This server never listens itself; its timeouts begin to work at this event.
  server.once('listening', () => http1.emit('listening'));
  server.once('close', () => http1.close(() => {}));
  return server;
}

function createTlsServer(
  handler: Handler,
  connections: Connections,
  tls: { readonly cert: string; readonly key: string },
  { log, onUpgrade, headersTimeoutMs = HEADERS_TIMEOUT_MS }: ListenOptions,
): Http2SecureServer {
  const options = {
    ...HTTP2_OPTIONS,
    ...HTTP1_OPTIONS,
    headersTimeout: headersTimeoutMs,
    ...tls,
    allowHTTP1: true,
    handshakeTimeout: HEADERS_TIMEOUT_MS,
  };
  checkPair(tls);
  const server = http2.createSecureServer(options, handler);
  server.on('connection', (socket: Socket) => connections.opened(socket));
  server.on('secureConnection', (socket) => connections.opened(socket));
  server.on('clientError', answerUnreadable);
  if (onUpgrade !== undefined) server.on('upgrade', onUpgrade);
  server.on('tlsClientError', (error) => log.debug('TLS handshake failed', { why: error }));
  watchSessions(server, connections, log);
  return server;
}

/** Deno takes any texts and fails at the first connection. */
function checkPair({ cert, key }: { readonly cert: string; readonly key: string }): void {
  const cannot = 'Cannot use the TLS certificate and key';
  let isPair: boolean;
  try {
    isPair = new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch (cause) {
    throw new StartError(`${cannot}: ${(cause as Error).message}`, { cause });
  }
  if (!isPair) throw new StartError(`${cannot}: the key is not that of the certificate`);
}

function watchSessions(
  server: Http2Server | Http2SecureServer,
  connections: Connections,
  log: Logger,
): void {
  server.on('session', (session) => connections.openedSession(session));
  server.on('sessionError', (error) => log.debug('connection broken', { why: error }));
}

async function bind(server: net.Server, host: string, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onError = (cause: NodeJS.ErrnoException) => reject(describe(cause, host, port));
  server.once('error', onError);
  server.listen({ host, port }, () => {
    server.off('error', onError);
    resolve();
  });
  await promise;
}

function describe(cause: NodeJS.ErrnoException, host: string, port: number): StartError {
  const cannot = `Cannot listen on ${host}:${port}`;
  switch (cause.code) {
    case 'EADDRINUSE':
      return new StartError(
        `${cannot}: another process uses port ${port}; choose another with --port or MUSTER_LISTEN`,
        { cause },
      );
    case 'EACCES':
    case 'EPERM':
      return new StartError(
        `${cannot}: this user may not open port ${port}; choose one from 1024 with --port or MUSTER_LISTEN`,
        { cause },
      );
    case 'EADDRNOTAVAIL':
    // What Deno says of it.
    case 'EINVAL':
    case 'ENOTFOUND':
      return new StartError(
        `${cannot}: ${host} is no address of this machine; choose another with --listen or MUSTER_LISTEN`,
        { cause },
      );
    default:
      return new StartError(`${cannot}: ${cause.message}`, { cause });
  }
}

function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
