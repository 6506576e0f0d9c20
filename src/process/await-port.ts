/**
 * Ports of this machine: whether one is free, and when a server on one is ready.
 */
import { createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/** Where a port is taken, in a sentence for people. Carries a `code` like other errors of the system. */
class PortError extends Error {
  readonly code = 'EADDRINUSE';
}

/** @throws an Error with a sentence when another program listens on this port of 127.0.0.1 */
export function checkPortIsFree(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      const why =
        error.code === 'EADDRINUSE'
          ? `Port ${port} is in use by another program; choose another one with --port`
          : `Cannot listen on port ${port}: ${error.message}; choose another one with --port`;
      reject(new PortError(why));
    });
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve()));
  });
}

/**
 * Polls `url` until it answers 200. Resolves to false when the time is over or `isHopeless` says so.
 */
export async function waitUntilReady(
  url: string,
  withinMs: number,
  isHopeless: () => boolean,
): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (performance.now() < deadline && !isHopeless()) {
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
      await response.arrayBuffer();
      if (response.ok) return true;
    } catch {
      // Not there yet; that is what is waited for.
    }
    await wait(50);
  }
  return false;
}
