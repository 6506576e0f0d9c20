/**
 * How attempts end, as records: what their processes and their output say. Used by Attempts.
 */
import type { AttemptEnd, AttemptRecord } from './attempt-record.ts';
import type { ExitRecord } from './executors/executor.ts';
import type { AttemptOutput } from './output.ts';

/** The end of an attempt that has had no process. */
export function notStarted(spawnError: string | null, exitedAt: number): AttemptEnd {
  return {
    kind: 'exited',
    exitCode: null,
    signal: null,
    spawnError,
    exitedAt,
    stdoutBytes: 0,
    stderrBytes: 0,
    droppedBytes: 0,
  };
}

/** The end of an attempt whose process group is empty. */
export function exited(
  { exitCode, signal, exitedAt, failure }: ExitRecord,
  { startedAt }: AttemptRecord,
  output: AttemptOutput,
  now: number,
): AttemptEnd {
  return {
    kind: 'exited',
    exitCode,
    signal,
    spawnError: null,
    // File times are some ms behind the clock.
    exitedAt: Math.min(Math.max(exitedAt ?? now, startedAt ?? 0), now),
    ...output.countBytes(),
    ...(failure === undefined ? {} : { failure }),
    ...(output.sendableBytes('result') === 0
      ? {}
      : { resultBytes: output.sendableBytes('result') }),
  };
}
