/**
 * How failures leave the API: the one table from error kinds to Connect codes, and the interceptor that applies it.
 *
 * Every error carries a sentence and an ErrorDetail with its kind. What nobody expected leaves as `internal` with a neutral
 * sentence; its stack goes to the log and nowhere else.
 */
import { Code, ConnectError, type Interceptor } from '@connectrpc/connect';
import { type ErrorKind, MusterError } from '../../machines/errors.ts';
import { ErrorDetailSchema } from '../../proto/gen/muster/v1/task_pb.ts';
import type { Logger } from '../process/log.ts';
import { describeLibraryError } from './library-errors.ts';
import { WatchedStream } from './watched-stream.ts';

/** The code of each kind. A new kind does not compile before it stands here. */
export const CODE_OF_KIND: Readonly<Record<ErrorKind, Code>> = {
  invalid_argument: Code.InvalidArgument,
  unauthenticated: Code.Unauthenticated,
  permission_denied: Code.PermissionDenied,
  unknown_task: Code.NotFound,
  unknown_node: Code.NotFound,
  unknown_worker: Code.NotFound,
  unknown_schedule: Code.NotFound,
  unknown_group: Code.NotFound,
  unknown_content: Code.NotFound,
  unknown_machine: Code.NotFound,
  unknown_stream: Code.NotFound,
  group_refused: Code.FailedPrecondition,
  illegal_transition: Code.FailedPrecondition,
  request_id_conflict: Code.AlreadyExists,
  conflict: Code.Aborted,
  unavailable: Code.Unavailable,
  resource_exhausted: Code.ResourceExhausted,
  snapshot_too_new: Code.FailedPrecondition,
  rejected_by_store: Code.InvalidArgument,
  protocol_error: Code.InvalidArgument,
  internal: Code.Internal,
};

/** Makes the error of a kind as it crosses the wire. */
export function connectErrorOf(kind: ErrorKind, message: string, cause?: unknown): ConnectError {
  const detail = { desc: ErrorDetailSchema, value: { kind } };
  return new ConnectError(message, CODE_OF_KIND[kind], undefined, [detail], cause);
}

/**
 * Turns whatever was thrown into the error that leaves.
 *
 * @param action what was asked for, for example `create the task`
 * @param signal of the call: what was thrown because the caller went away is no failure
 */
export function toConnectError(
  thrown: unknown,
  action: string,
  signal: AbortSignal,
  log: Logger,
): ConnectError {
  if (thrown instanceof MusterError) {
    if (thrown.kind === 'internal') logDefect(thrown, action, log);
    return connectErrorOf(thrown.kind, thrown.message, thrown);
  }
  if (thrown instanceof ConnectError) return describeLibraryError(thrown, action);
  if (signal.aborted) return ConnectError.from(signal.reason ?? thrown, Code.Canceled);
  logDefect(thrown, action, log);
  return connectErrorOf('internal', defectSentence(action), thrown);
}

/** What a caller is told of a defect. */
export function defectSentence(action: string): string {
  return `Cannot ${action}: something went wrong inside Muster; the log of the supervisor says what`;
}

/** Applies the table to every call. Stands before all other interceptors. */
export function createErrorInterceptor(
  actionOf: (method: string) => string,
  log: Logger,
): Interceptor {
  return (next) => async (request) => {
    const convert = (thrown: unknown) =>
      toConnectError(thrown, actionOf(request.method.name), request.signal, log);
    try {
      const response = await next(request);
      if (!response.stream) return response;
      return { ...response, message: new WatchedStream(response.message, { convert }) };
    } catch (thrown) {
      throw convert(thrown);
    }
  };
}

function logDefect(thrown: unknown, action: string, log: Logger): void {
  const stack = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  log.error('call failed', { action, stack });
}
