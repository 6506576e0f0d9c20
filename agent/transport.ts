/**
 * The way to the supervisor: one HTTP/2 connection for one try of a session. Called by Session, handed in by main.ts.
 *
 * A new connection each time: a half-open one must not be used again. No HTTP/2 pings: the session proves itself by its own
 * messages, and the library's ping on a destroyed connection ends the process (connect-es issue 1795). The end of the
 * connection is told as such, because Deno does not tell it to a request that has had no answer yet.
 */
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { type Client, createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { AgentService } from '../proto/gen/muster/v1/agent_service_pb.ts';
import { wholeResponse } from '../src/process/whole-response.ts';

/** Neither side sends more than this in one message. */
const MAX_MESSAGE_BYTES = 8 * 2 ** 20;

export interface Connection {
  readonly client: Client<typeof AgentService>;
  /** Resolves when the connection is gone, whoever ended it. */
  readonly closed: Promise<void>;
  /** Cuts the connection with everything on it. */
  close(): void;
}

/** Makes a connection to the supervisor; it opens with the first call. */
export type Connect = () => Connection;

/** @param ca certificates in PEM that count besides the system's; null for none */
export function createConnect(serverUrl: string, ca: string | null): Connect {
  return () => {
    const connection = new SingleConnection(serverUrl, ca);
    const transport = createConnectTransport({
      baseUrl: serverUrl,
      httpVersion: '2',
      sessionManager: connection,
      readMaxBytes: MAX_MESSAGE_BYTES,
      writeMaxBytes: MAX_MESSAGE_BYTES,
      // Commands are small and output is sent as it comes.
      acceptCompression: [],
    });
    return {
      client: createClient(AgentService, transport),
      closed: connection.closed,
      close: () => connection.close(),
    };
  };
}

/** What connect-node needs of a connection, for one that is opened once. */
class SingleConnection {
  readonly authority: string;
  readonly closed: Promise<void>;
  readonly #ca: string | null;
  readonly #onClosed: () => void;
  #session: Promise<ClientHttp2Session> | null = null;
  #close: (() => void) | null = null;

  constructor(serverUrl: string, ca: string | null) {
    this.authority = new URL(serverUrl).origin;
    this.#ca = ca;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#onClosed = resolve;
  }

  async request(
    method: string,
    path: string,
    headers: OutgoingHttpHeaders,
  ): Promise<ClientHttp2Stream> {
    this.#session ??= this.#open();
    const session = await this.#session;
    return wholeResponse(session.request({ ...headers, ':method': method, ':path': path }));
  }

  notifyResponseByteRead(): void {
    // Only of interest where pings are sent.
  }

  close(): void {
    this.#close?.();
    this.#onClosed();
  }

  #open(): Promise<ClientHttp2Session> {
    const session = connect(this.authority, this.#ca === null ? {} : { ca: this.#ca });
    this.#close = () => session.destroy();
    session.once('close', this.#onClosed);
    return new Promise((resolve, reject) => {
      session.once('connect', () => resolve(session));
      session.once('close', () => reject(new Error('the connection was closed')));
      // Also after the promise is settled: an error that nobody hears would end the process.
      session.on('error', reject);
    });
  }
}
