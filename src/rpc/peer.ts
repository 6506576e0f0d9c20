/**
 * The other end of a connection, as the transport knows it.
 *
 * src/http puts one into the context of every call; calls in memory have none.
 */
import { createContextKey } from '@connectrpc/connect';

export interface Peer {
  /** Address and port. */
  readonly address: string;
  /** Ends this one call at once, whatever is still unsent. Does nothing if it is over. */
  destroy(): void;
  /** The host that was asked, with its port; null where the request does not say. */
  readonly host: string | null;
}

/** The peer of the current call; null in memory. */
export const peerKey = createContextKey<Peer | null>(null, { description: 'the peer of the call' });
