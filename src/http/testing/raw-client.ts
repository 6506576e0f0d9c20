/**
 * Clients of the port that speak no protocol, for tests.
 */
import net from 'node:net';

/** Sends bytes, and collects what comes back until the other side closes. */
export function converse(port: number, bytes: string | Buffer): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let answer = '';
  const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes));
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
  socket.on('error', () => {});
  socket.on('close', () => resolve(answer));
  return promise;
}

/** Lets everything that is ready happen. */
export function soon(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}
