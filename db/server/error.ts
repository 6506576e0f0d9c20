// The one error of the embedded PostgreSQL server, with a closed list of kinds.
// Every message is a whole sentence: what could not be done, what is the case, and what would do.

/** Every way in which the embedded server can fail to start or stop. */
export type PostgresServerErrorKind =
  /** Another live process holds this folder. */
  | 'in_use'
  /** The folder cannot be created, reached, read or written, or holds something else. */
  | 'folder_unusable'
  /** The folder points to data that is no longer there. */
  | 'data_missing'
  /** The data was written by another major version of PostgreSQL. */
  | 'version_mismatch'
  /** No PostgreSQL for this platform is installed, or it does not run here. */
  | 'binaries_unusable'
  /** The program runs as root and the system has no other user to run PostgreSQL as. */
  | 'no_user'
  /** No TCP port on 127.0.0.1 is free. */
  | 'no_port'
  /** PostgreSQL ran and gave up; the message holds its last words. */
  | 'start_failed'
  /** A PostgreSQL process neither answers nor ends. */
  | 'unresponsive';

/** A failure of the embedded server, with a closed kind and a sentence for people. */
export class PostgresServerError extends Error {
  readonly kind: PostgresServerErrorKind;

  constructor(kind: PostgresServerErrorKind, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'PostgresServerError';
    this.kind = kind;
  }
}

/** Says in words why the operating system refused something: `permission denied` for EACCES. */
export function reasonOf(cause: unknown): string {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  const known = code === undefined ? undefined : REASONS[code];
  return known ?? (cause instanceof Error ? cause.message : String(cause));
}

const REASONS: Record<string, string> = {
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of the path is not a folder',
  EEXIST: 'a file of that name is in the way',
  ELOOP: 'the path leads round in a circle',
  ENAMETOOLONG: 'the path is too long',
};
