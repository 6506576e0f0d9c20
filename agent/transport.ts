/**
 * The way to the supervisor: one HTTP/2 connection for one try of a session. Called by Session, handed in by main.ts.
 *
 * A new connection each time: a half-open one must not be used again. No HTTP/2 pings: the session proves itself by its
 * own messages, and a ping on a destroyed connection can end the process (connect-es issue 1795).
 */
import { type Client, createClient } from '@connectrpc/connect';
import { createConnectTransport, Http2SessionManager } from '@connectrpc/connect-node';
import { AgentService } from '../proto/gen/muster/v1/agent_service_pb.ts';

/** Neither side sends more than this in one message. */
const MAX_MESSAGE_BYTES = 8 * 2 ** 20;

export interface Connection {
  readonly client: Client<typeof AgentService>;
  /** Cuts the connection with everything on it. */
  close(): void;
}

/** Makes a connection to the supervisor; it opens with the first call. */
export type Connect = () => Connection;

/** @param ca certificates in PEM that count besides the system's; null for none */
export function createConnect(serverUrl: string, ca: string | null): Connect {
  return () => {
    const manager = new Http2SessionManager(serverUrl, {}, ca === null ? {} : { ca });
    const transport = createConnectTransport({
      baseUrl: serverUrl,
      httpVersion: '2',
      sessionManager: manager,
      readMaxBytes: MAX_MESSAGE_BYTES,
      writeMaxBytes: MAX_MESSAGE_BYTES,
      // Commands are small and output is sent as it comes.
      acceptCompression: [],
    });
    return { client: createClient(AgentService, transport), close: () => manager.abort() };
  };
}
