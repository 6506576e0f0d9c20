/**
 * Bounds the log of a kept command: past 8 MiB it is copied to `log.1` and begun anew. Called by kept-worker.ts every few seconds.
 *
 * The process writes to it directly and goes on when there is no agent, so the file is emptied, not replaced. What is written in the
 * moment between copy and cut is lost.
 */
import { copyFile, stat, truncate } from 'node:fs/promises';

export const MAX_LOG_BYTES = 8 * 2 ** 20;

/** Returns whether the file was too large. One that is not there is fine. */
export async function boundLog(path: string, maxBytes = MAX_LOG_BYTES): Promise<boolean> {
  const { size } = await stat(path).catch(() => ({ size: 0 }));
  if (size <= maxBytes) return false;
  await copyFile(path, `${path}.1`);
  await truncate(path);
  return true;
}
