/**
 * The refusal of a script that cannot be started on this host: a sentence for the user, no defect.
 *
 * Thrown by the steps of the script executor, which turns it into a StartResult.
 */

/** Says why, as a sentence that names the node. */
export class CannotStart extends Error {
  constructor(why: string, options?: { cause?: unknown }) {
    super(why, options);
    this.name = 'CannotStart';
  }
}

const REASONS: Readonly<Record<string, string>> = {
  E2BIG: 'its arguments and environment are too long for the system',
  EACCES: 'permission denied',
  EEXIST: 'its folder is there already, so it was started before',
  EAGAIN: 'the system has no room for another process',
  EMFILE: 'the agent has too many files open',
  ENFILE: 'the system has too many files open',
  ENOENT: 'a file is missing',
  ENOMEM: 'the system is out of memory',
  ENOSPC: 'the disk is full',
  EROFS: 'the file system is read-only',
};

/** Returns what a system error means, for the end of a sentence. */
export function reasonOf(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  return REASONS[code ?? ''] ?? message ?? String(cause);
}
