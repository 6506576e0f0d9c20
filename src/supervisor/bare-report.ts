/**
 * A report of an agent without what a database may refuse of it. Used by Session when one was refused.
 */
import type { TaskReport } from '../../machines/task-events.ts';

/** A report without host times, its text made fit for the database. */
export function bareReport(report: TaskReport): TaskReport {
  switch (report.type) {
    case 'attempt.started':
      return { ...report, acceptedAt: null, startedAt: null };
    case 'attempt.exited': {
      const { signal, spawnError } = report;
      const times = { acceptedAt: null, startedAt: null, exitedAt: null };
      const failure = report.failure === undefined ? {} : { failure: cleanText(report.failure) };
      const texts = { signal: cleanText(signal), spawnError: cleanText(spawnError), ...failure };
      return { ...report, ...times, ...texts };
    }
    case 'attempt.lost':
      return { ...report, why: cleanText(report.why) };
  }
}

/** A NUL byte and half of a surrogate pair are no text to Postgres. */
function cleanText<T extends string | null>(text: T): T {
  return (text?.toWellFormed().replaceAll('\0', '\ufffd') ?? null) as T;
}
