// Waits for a condition of the outside world that announces itself to nobody: a file, a foreign process.

import { setTimeout } from 'node:timers/promises';

/** Looks at `isTrue` every `everyMs` until it holds (true) or `deadlineMs` have passed (false). */
export async function until(
  isTrue: () => Promise<boolean> | boolean,
  deadlineMs: number,
  everyMs = 20,
): Promise<boolean> {
  const deadline = performance.now() + deadlineMs;
  while (!(await isTrue())) {
    if (performance.now() > deadline) {
      return false;
    }
    await setTimeout(everyMs);
  }
  return true;
}
