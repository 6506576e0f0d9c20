/**
 * Sorts the failures of database statements by what can be done about them.
 *
 * Called by whoever runs statements in batches. `connection_lost`: nobody knows what was committed, or the database can store nothing
 * at the moment, so it has to be waited for. `interrupted`: the server has ended this one statement and stored nothing of it.
 * `retryable`: the same statement will do when it is sent again. `refused_row`: one row of the batch is bad and the others can
 * be tried without it.
 */

export type FailureKind = 'connection_lost' | 'interrupted' | 'refused_row' | 'retryable' | 'other';

/** Codes of postgres.js and of Node's sockets. */
const CONNECTION_CODES: ReadonlySet<string> = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  'CONNECT_TIMEOUT',
  'CONNECTION_CONNECT_TIMEOUT',
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
  'ENOTCONN',
  'EADDRNOTAVAIL',
  'ERR_STREAM_DESTROYED',
  'ERR_SOCKET_CLOSED',
  // The server is stopping, has crashed, is not ready yet; its database is gone; the session was idle for too long.
  '57P01',
  '57P02',
  '57P03',
  '57P04',
  '57P05',
  // It is read-only: it was the primary until a moment ago, or an operator has closed it.
  '25006',
  // Its disk fails.
  '58000',
  '58030',
]);

/** Connection exceptions (08); no disk, memory or connection is left (53). */
const AWAY_CLASSES: ReadonlySet<string> = new Set(['08', '53']);

/** Somebody has cancelled the statement, or a statement_timeout of the server. */
const INTERRUPTED_CODE = '57014';

const RETRYABLE_CODES: ReadonlySet<string> = new Set([
  // Serialization failure, deadlock, lock not available.
  '40001',
  '40P01',
  '55P03',
]);

/** Data exceptions (22: a NUL byte, a value out of range), violated constraints (23), program limits (54). */
const REFUSED_CLASSES: ReadonlySet<string> = new Set(['22', '23', '54']);

/** Tells what kind of failure a statement of db/ was rejected with. */
export function classifyFailure(error: unknown): FailureKind {
  const code = codeOf(error);
  if (code === null) return 'other';
  const classOf = code.length === 5 ? code.slice(0, 2) : '';
  if (CONNECTION_CODES.has(code) || AWAY_CLASSES.has(classOf)) return 'connection_lost';
  if (code === INTERRUPTED_CODE) return 'interrupted';
  if (RETRYABLE_CODES.has(code)) return 'retryable';
  if (REFUSED_CLASSES.has(classOf)) return 'refused_row';
  return 'other';
}

function codeOf(error: unknown): string | null {
  if (typeof error !== 'object' || error === null) return null;
  const { code, cause, errors } = error as { code?: unknown; cause?: unknown; errors?: unknown };
  if (typeof code === 'string') return code;
  // Node tries every address of a host and reports the failures together.
  if (Array.isArray(errors) && errors.length > 0) return codeOf(errors[0]);
  return cause === undefined ? null : codeOf(cause);
}
