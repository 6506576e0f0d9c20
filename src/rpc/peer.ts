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
}

/** The peer of the current call; null in memory. */
export const peerKey = createContextKey<Peer | null>(null, { description: 'the peer of the call' });
