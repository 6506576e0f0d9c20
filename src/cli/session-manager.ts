/**
 * The HTTP/2 session below the connection of a command: opened when needed, opened anew once it is gone, proved alive.
 *
 * It takes the place of the session manager of connect-node, which leaves three holes: a ping on a destroyed session ends the
 * process (connect-es issue 1795), so does an error between the opening of a session and its first request, and on Deno a
 * request without an answer is not told that its session is gone: its stream closes without an error code.
 */
import { connect } from 'node:http2';
import type {
  ClientHttp2Session,
  ClientHttp2Stream,
  OutgoingHttpHeaders,
  SecureClientSessionOptions,
} from 'node:http2';
import { Code, ConnectError } from '@connectrpc/connect';
import { wholeResponse } from '../process/whole-response.ts';

/** An open session is pinged this often; it is given up when the answer has not come by the next time. */
const PING_INTERVAL_MS = 10_000;
const CONNECT_TIMEOUT_MS = 10_000;

/** One session at a time to one supervisor; what connect-node asks of a session manager. */
export class SessionManager {
  readonly authority: string;
  readonly #options: SecureClientSessionOptions;
  readonly #pingIntervalMs: number;
  #current: Promise<ClientHttp2Session> | undefined;

  constructor(
    url: string,
    options: SecureClientSessionOptions = {},
    pingIntervalMs: number = PING_INTERVAL_MS,
  ) {
    this.authority = new URL(url).origin;
    this.#options = options;
    this.#pingIntervalMs = pingIntervalMs;
  }

  async request(
    method: string,
    path: string,
    headers: OutgoingHttpHeaders,
  ): Promise<ClientHttp2Stream> {
    const session = await this.#connected();
    const stream = wholeResponse(session.request({ ...headers, ':method': method, ':path': path }));
    let isAnswered = false;
    stream.once('response', () => {
      isAnswered = true;
    });
    const tell = () => {
      session.off('close', tell);
      if (isAnswered && stream.readableEnded) return;
      stream.emit('error', new ConnectError('the connection was closed', Code.Unavailable));
    };
    // Whoever asked has listeners of their own from the next tick on.
    stream.on('error', () => undefined);
    stream.once('close', tell);
    session.once('close', tell);
    return stream;
  }

  notifyResponseByteRead(): void {
    // Pings are sent whether something is read or not.
  }

  #connected(): Promise<ClientHttp2Session> {
    if (this.#current !== undefined) return this.#current;
    const session = connect(this.authority, this.#options);
    // Each open request listens for its end.
    session.setMaxListeners(0);
    const connected = opened(session);
    keepAlive(session, this.#pingIntervalMs);
    this.#current = connected;
    const forget = () => {
      if (this.#current === connected) this.#current = undefined;
    };
    // After a goaway it finishes what is open and takes nothing new.
    session.once('goaway', forget);
    session.once('close', forget);
    return connected;
  }
}

/** Resolves with the session when it is connected; rejects with the reason when it cannot be. */
function opened(session: ClientHttp2Session): Promise<ClientHttp2Session> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      session.destroy(Object.assign(new Error('connecting took too long'), { code: 'ETIMEDOUT' }));
    }, CONNECT_TIMEOUT_MS);
    session.once('connect', () => {
      clearTimeout(late);
      resolve(session);
    });
    session.once('close', () => {
      clearTimeout(late);
      reject(new ConnectError('the connection was closed', Code.Unavailable));
    });
    // Also after the promise is settled: an error that nobody hears would end the process.
    session.on('error', reject);
  });
}

function keepAlive(session: ClientHttp2Session, intervalMs: number): void {
  let isAnswered = true;
  const timer = setInterval(() => {
    if (session.connecting || session.destroyed || session.closed) return;
    if (!isAnswered) {
      session.destroy(new ConnectError('the connection is dead', Code.Unavailable));
      return;
    }
    isAnswered = false;
    session.ping(() => {
      isAnswered = true;
    });
  }, intervalMs);
  timer.unref();
  session.once('close', () => clearInterval(timer));
}
