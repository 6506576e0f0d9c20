/**
 * Decides what a cleartext connection speaks by its first bytes: HTTP/2 begins with `PRI`, anything else is HTTP/1.1.
 *
 * Called by listen.ts for each new socket. The bytes are put back before the socket is handed on, so that the server that
 * gets it sees the whole conversation. Whoever says nothing is cut off after a while.
 */
import type { Socket } from 'node:net';
import type { Clock } from '../process/clock.ts';

const HTTP2_PREFACE = Buffer.from('PRI');

/** How long a new connection may be silent. */
const FIRST_BYTES_TIMEOUT_MS = 10_000;

/** Waits for the first bytes of a socket and calls the handler of its protocol. */
export function handOver(
  socket: Socket,
  clock: Clock,
  handlers: { http1(socket: Socket): void; http2(socket: Socket): void },
): void {
  let first: Buffer = Buffer.alloc(0);
  const timer = clock.after(FIRST_BYTES_TIMEOUT_MS, () => socket.destroy());
  const onData = (chunk: Buffer) => {
    first = first.length === 0 ? chunk : Buffer.concat([first, chunk]);
    const isPreface = first.subarray(0, 3).equals(HTTP2_PREFACE.subarray(0, first.length));
    if (isPreface && first.length < HTTP2_PREFACE.length) return;
    release();
    if (isPreface) {
      socket.pause();
      socket.unshift(first);
      handlers.http2(socket);
    } else {
      handlers.http1(socket);
      // At once, and not by unshift: on Deno, bytes that arrive in between would be read before those put back.
      socket.emit('data', first);
    }
  };
  const release = () => {
    timer.cancel();
    socket.off('data', onData);
    socket.off('error', onError);
    socket.off('close', release);
  };
  const onError = () => socket.destroy();
  socket.on('data', onData);
  socket.on('error', onError);
  socket.on('close', release);
}
