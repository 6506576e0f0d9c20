/**
 * The one error class of Muster and its closed list of kinds.
 *
 * Every expected failure that leaves a module is a MusterError; src/rpc maps each kind to a Connect code and does not
 * compile while one is missing. Messages say what could not be done, what is the case, and what would do.
 */

/** Every way in which a request to Muster can fail. */
export const ERROR_KINDS = [
  /** A value in the request is not allowed. */
  'invalid_argument',
  /** No token, or a wrong one. */
  'unauthenticated',
  /** The token is right but not for this call. */
  'permission_denied',
  'unknown_task',
  'unknown_node',
  'unknown_worker',
  'unknown_schedule',
  'unknown_group',
  /** No content with this hash, or of this task, is stored. */
  'unknown_content',
  'unknown_machine',
  /** A stream of LiveService that is not open, or not on this supervisor. */
  'unknown_stream',
  /** The tree of groups does not allow the change: the name is taken, a cycle, groups below. */
  'group_refused',
  /** The state of the actor does not allow the event. */
  'illegal_transition',
  /** The same request_id was used before with another content. */
  'request_id_conflict',
  /** Several supervisors or events raced for too long; the caller may try again. */
  'conflict',
  /** The database cannot be reached, or the supervisor is stopping. Nothing was changed. */
  'unavailable',
  /** A bound was reached. */
  'resource_exhausted',
  /** A stored snapshot was written by a newer program. */
  'snapshot_too_new',
  /** The database refused this one row; nothing of it was stored. */
  'rejected_by_store',
  /** The other side of a session broke the protocol. */
  'protocol_error',
  /** A defect of Muster. */
  'internal',
] as const;

export type ErrorKind = (typeof ERROR_KINDS)[number];

/** A failure with a closed kind and a sentence for people. */
export class MusterError extends Error {
  readonly kind: ErrorKind;

  constructor(kind: ErrorKind, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'MusterError';
    this.kind = kind;
  }
}
