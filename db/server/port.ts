// Chooses the TCP port of a server: the one it had the last time, so that its URL stays the same, else a free one.
// Between this choice and PostgreSQL's own bind somebody else can take the port; launch.ts then asks again.

import { createServer } from 'node:net';
import { PostgresServerError } from './error.ts';

/** Tries to listen on 127.0.0.1:`port` (0: any free one) and gives the port, after closing it again. */
export type TryPort = (port: number) => Promise<number>;

/**
 * Gives a port on 127.0.0.1 that is free now.
 * @throws PostgresServerError `no_port`
 */
export async function choosePort(
  preferred: number | undefined,
  tryPort: TryPort = tryPortOnLoopback,
): Promise<number> {
  if (preferred !== undefined) {
    try {
      return await tryPort(preferred);
    } catch {
      // Taken: any other will do.
    }
  }
  try {
    return await tryPort(0);
  } catch (cause) {
    throw new PostgresServerError(
      'no_port',
      `Cannot start PostgreSQL: no TCP port on 127.0.0.1 is free (${cause instanceof Error ? cause.message : String(cause)}); end programs that hold connections, or widen net.ipv4.ip_local_port_range`,
      { cause },
    );
  }
}

async function tryPortOnLoopback(port: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const server = createServer();
  server.once('error', reject);
  server.listen(port, '127.0.0.1', () => {
    const address = server.address();
    const chosen = typeof address === 'object' && address !== null ? address.port : 0;
    server.close(() => resolve(chosen));
  });
  return await promise;
}
