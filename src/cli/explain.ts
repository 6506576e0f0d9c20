/**
 * Tells the errors of a call apart: what the supervisor said, and what became of the connection.
 *
 * Every error that a supervisor sends carries an ErrorDetail; one without it was made on the way. `isConnectionLost` decides
 * whether a call may be tried again, `explainError` says it in a sentence.
 */
import { Code, ConnectError } from '@connectrpc/connect';
import { ErrorDetailSchema } from '../../proto/gen/muster/v1/task_pb.ts';
import { withFlags } from './field-flags.ts';
import type { Endpoint } from './home.ts';

const UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name of the host cannot be looked up now',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ETIMEDOUT: 'no answer',
};

/** Returns the ConnectError of a failed call, undefined for everything else. */
export function asConnectError(error: unknown): ConnectError | undefined {
  return error instanceof ConnectError ? error : undefined;
}

/** Tells whether the supervisor itself sent this error. */
function isFromSupervisor(error: ConnectError): boolean {
  return error.findDetails(ErrorDetailSchema).length > 0;
}

/** Tells whether the state of the task did not allow a command. */
export function isIllegalTransition(error: ConnectError): boolean {
  return error.findDetails(ErrorDetailSchema).some(({ kind }) => kind === 'illegal_transition');
}

/** Tells whether a supervisor has refused what a flag or a word of the command line says. */
export function isUsage(error: ConnectError): boolean {
  return error.code === Code.InvalidArgument && isFromSupervisor(error);
}

/** Tells whether there is nobody at the address of the supervisor. */
export function isUnreachable(error: ConnectError): boolean {
  return unreachableReason(error) !== undefined;
}

/**
 * Tells whether a call failed because the supervisor is away for now: the connection broke, it does not answer, or it said
 * that it cannot work at present.
 */
export function isConnectionLost(error: ConnectError): boolean {
  if (error.code === Code.Unavailable) return true;
  if (isFromSupervisor(error)) return false;
  return (
    error.code === Code.Aborted ||
    error.code === Code.Canceled ||
    error.code === Code.DeadlineExceeded ||
    isBrokenStream(error)
  );
}

/** HTTP/2 errors of the runtime, and a stream that ended in the middle. */
function isBrokenStream(error: ConnectError): boolean {
  if (causes(error).some((code) => /^(ERR_HTTP2_|ERR_STREAM_|ECONN|EPIPE)/.test(code))) return true;
  return /http\/2 stream closed|missing EndStreamResponse|premature|unexpected end|connection|socket|session/i.test(
    error.rawMessage,
  );
}

/** Returns an error of a call as one sentence for people. */
export function explainError(error: ConnectError, endpoint: Endpoint): string {
  const { url, tokenSource } = endpoint;
  const reason = unreachableReason(error);
  if (reason !== undefined) {
    return `cannot reach the supervisor at ${url}: ${reason}; is it running? start one with: ./muster up`;
  }
  if (error.code === Code.Unauthenticated) {
    return `the supervisor at ${url} did not accept the token from ${tokenSource}: ${error.rawMessage}`;
  }
  if (isFromSupervisor(error))
    return isUsage(error) ? withFlags(error.rawMessage) : error.rawMessage;
  if (causes(error).some((code) => /CERT|SELF_SIGNED|ERR_TLS|UNABLE_TO/.test(code))) {
    return `cannot trust the certificate of ${url}: ${error.rawMessage}; MUSTER_CA_FILE can name the certificate of a private authority`;
  }
  if (causes(error).some((code) => /^(ERR_SSL_|EPROTO$)/.test(code))) {
    return `the server at ${url} does not speak TLS; an address without it begins with http://`;
  }
  if (error.code === Code.DeadlineExceeded)
    return `the supervisor at ${url} did not answer in time`;
  if (error.code === Code.Unimplemented || causes(error).includes('ERR_HTTP2_ERROR')) {
    return `the server at ${url} is no supervisor of Muster that this command line knows: ${error.rawMessage}`;
  }
  if (isConnectionLost(error)) return `lost the connection to the supervisor at ${url}`;
  return error.rawMessage;
}

function unreachableReason(error: ConnectError): string | undefined {
  const code = causes(error).find((one) => UNREACHABLE[one] !== undefined);
  return code === undefined ? undefined : UNREACHABLE[code];
}

/** Returns the codes of the runtime's errors behind an error. */
function causes(error: ConnectError): string[] {
  const codes: string[] = [];
  const visit = (cause: unknown, depth: number) => {
    if (!(cause instanceof Error) || depth > 8) return;
    const { code } = cause as NodeJS.ErrnoException;
    if (typeof code === 'string') codes.push(code);
    // Several addresses of one host, all tried.
    if (cause instanceof AggregateError) for (const one of cause.errors) visit(one, depth + 1);
    visit(cause.cause, depth + 1);
  };
  visit(error.cause, 0);
  return codes;
}
