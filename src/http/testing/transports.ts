/**
 * The same API over everything that it can be called through, for tests: in memory, and each protocol over each HTTP.
 */
import { createRouterTransport, type Interceptor, type Transport } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from '@connectrpc/connect-node';
import { silentLogger } from '../../process/log.ts';
import { systemClock } from '../../process/clock.ts';
import { createApi } from '../../rpc/routes.ts';
import type { Supervisor } from '../../supervisor/supervisor.ts';
import { startTestServer, type TestServer } from './test-server.ts';

export const TOKENS = { user: 'user-token-of-the-tests', agent: 'agent-token-of-the-tests' };

/** A way to call the API. `tls` says which of the two servers it needs. */
export interface Way {
  readonly name: string;
  readonly tls: boolean;
  /** Bidirectional streams take HTTP/2. */
  readonly hasSessions: boolean;
  open(url: string, interceptors: Interceptor[]): Transport;
}

const nodeOptions = { rejectUnauthorized: false };

export const WAYS: readonly Way[] = [
  way('Connect over HTTP/1.1, JSON', false, false, (baseUrl, interceptors) =>
    createConnectTransport({ baseUrl, httpVersion: '1.1', useBinaryFormat: false, interceptors }),
  ),
  way('Connect over HTTP/2', false, true, (baseUrl, interceptors) =>
    createConnectTransport({ baseUrl, httpVersion: '2', interceptors }),
  ),
  way('Connect over HTTP/2, GET', false, true, (baseUrl, interceptors) =>
    createConnectTransport({ baseUrl, httpVersion: '2', useHttpGet: true, interceptors }),
  ),
  way('gRPC over HTTP/2', false, true, (baseUrl, interceptors) =>
    createGrpcTransport({ baseUrl, interceptors }),
  ),
  way('gRPC-Web over HTTP/1.1', false, false, (baseUrl, interceptors) =>
    createGrpcWebTransport({ baseUrl, httpVersion: '1.1', interceptors }),
  ),
  way('gRPC-Web over HTTP/2', false, true, (baseUrl, interceptors) =>
    createGrpcWebTransport({ baseUrl, httpVersion: '2', interceptors }),
  ),
  way('Connect over HTTP/1.1 with TLS', true, false, (baseUrl, interceptors) =>
    createConnectTransport({ baseUrl, httpVersion: '1.1', nodeOptions, interceptors }),
  ),
  way('gRPC over HTTP/2 with TLS', true, true, (baseUrl, interceptors) =>
    createGrpcTransport({ baseUrl, nodeOptions, interceptors }),
  ),
];

function way(name: string, tls: boolean, hasSessions: boolean, open: Way['open']): Way {
  return { name, tls, hasSessions, open };
}

/** Opens a transport to an API in memory. */
export function openInMemory(
  supervisor: Supervisor,
  token: string | null,
  stopping: AbortSignal = new AbortController().signal,
): Transport {
  const api = createApi({
    supervisor,
    tokens: TOKENS,
    clock: systemClock,
    log: silentLogger,
    stopping,
  });
  return createRouterTransport(api.routes, {
    router: api.options,
    transport: { interceptors: [bearer(token)] },
  });
}

/** Sends a token with each call; none for null. */
export function bearer(token: string | null): Interceptor {
  return (next) => (request) => {
    if (token !== null) request.header.set('authorization', `Bearer ${token}`);
    return next(request);
  };
}

/** Starts the server that a way needs. */
export function serverFor(way: Way, supervisor: Supervisor): Promise<TestServer> {
  return startTestServer({ supervisor, tokens: TOKENS, tls: way.tls });
}
