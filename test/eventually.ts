/**
 * Waits for a condition instead of for a time: tests that cannot be told when something happens ask until it has.
 */
import { setTimeout as wait } from 'node:timers/promises';

const POLL_MS = 20;

/**
 * Resolves when `condition` holds. A condition that throws does not hold yet.
 *
 * @param what names the condition in the error
 */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  what: string,
  withinMs = 20_000,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  let last: Error | undefined;
  while (performance.now() < deadline) {
    try {
      if (await condition()) return;
      last = undefined;
    } catch (error) {
      last = error as Error;
    }
    await wait(POLL_MS);
  }
  const because = last === undefined ? '' : `: ${last.message}`;
  throw new Error(`It did not happen within ${withinMs / 1000} s that ${what}${because}`);
}
