/**
 * Serves the API to Node's HTTP servers: Connect, gRPC and gRPC-Web, HTTP/1.1 and HTTP/2, by the same handlers.
 *
 * As the library's own adapter, with three differences: each call knows its peer and can cut it off, errors of the library
 * read like ours, and what goes wrong while answering is logged by us. Other paths go to the fallback.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { constants, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { Code, ConnectError, createConnectRouter, createContextValues } from '@connectrpc/connect';
import {
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from '@connectrpc/connect-node';
import type { Logger } from '../process/log.ts';
import { describingHandler } from '../rpc/library-errors.ts';
import { type Peer, peerKey } from '../rpc/peer.ts';
import type { Api } from '../rpc/routes.ts';

export type HttpRequest = IncomingMessage | Http2ServerRequest;
export type HttpResponse = ServerResponse | Http2ServerResponse;
export type HttpHandler = (request: HttpRequest, response: HttpResponse) => void;

/** Makes the handler of every request: API calls here, the rest by `fallback`. */
export function createHttpHandler(api: Api, fallback: HttpHandler, log: Logger): HttpHandler {
  const router = createConnectRouter({ acceptCompression: [compressionGzip], ...api.options });
  api.routes(router);
  const handlers = new Map(
    router.handlers.map((handler) => [handler.requestPath, describingHandler(handler)] as const),
  );
  return (request, response) => {
    const path = request.url?.split('?', 1)[0] ?? '';
    const handler = handlers.get(path);
    if (handler === undefined) return fallback(request, response);
    const values = createContextValues().set(peerKey, peerOf(request));
    const answer = async () => {
      const incoming = universalRequestFromNodeRequest(request, response, undefined, values);
      await universalResponseToNodeResponse(await handler(incoming), response);
    };
    answer().catch((thrown: unknown) => {
      // The other side went away in the middle of an answer.
      const { code } = ConnectError.from(thrown);
      if (code === Code.Aborted || code === Code.Canceled || response.destroyed) return;
      log.warn('cannot answer', { path, why: thrown });
      if (response.headersSent) return peerOf(request).destroy();
      response.statusCode = 400;
      response.end();
    });
  };
}

function peerOf(request: HttpRequest): Peer {
  const { remoteAddress, remotePort } = request.socket;
  return {
    address: `${remoteAddress ?? 'unknown'}:${remotePort ?? 0}`,
    host: hostOf(request),
    destroy() {
      if ('stream' in request) request.stream.close(constants.NGHTTP2_CANCEL);
      else request.socket.destroy();
    },
  };
}

function hostOf({ headers }: HttpRequest): string | null {
  const authority = headers[':authority'] ?? headers.host;
  return typeof authority === 'string' ? authority : null;
}
