/**
 * Why a file action failed: a sentence for the user, on standard error of the task. Thrown by the steps of the worker.
 */

/** The end of a sentence that begins `Cannot … PATH: `. */
export class FileFailure extends Error {
  constructor(why: string, options?: { cause?: unknown }) {
    super(why, options);
    this.name = 'FileFailure';
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EBUSY: 'it is in use by the system',
  EDQUOT: 'the quota of the disk is used up',
  EFBIG: 'it is too large for the file system',
  EIO: 'the disk has failed',
  EISDIR: 'it is a folder',
  ELOOP: 'a symbolic link is in the way',
  ENAMETOOLONG: 'the name is too long for the file system',
  ENOENT: 'there is no such file',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'what should be a folder on the way is none',
  EPERM: 'the system does not permit it',
  EROFS: 'the file system is read-only',
};

/** Returns what an error means, for the end of a sentence. */
export function reasonOf(cause: unknown): string {
  if (cause instanceof FileFailure) return cause.message;
  const { code, message } = cause as NodeJS.ErrnoException;
  return REASONS[code ?? ''] ?? message ?? String(cause);
}

/** Returns the code of a system error; undefined for anything else. */
export function codeOf(cause: unknown): string | undefined {
  return (cause as NodeJS.ErrnoException).code;
}
