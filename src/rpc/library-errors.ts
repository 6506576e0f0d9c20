/**
 * The errors that the RPC library raises by itself, before or around the interceptors: a message that is none, or too large.
 *
 * They get the sentence and the kind that all others have. Unary answers carry them in places that only the universal
 * handler sees, so the adapter in src/http wraps each handler with this.
 */
import { createRegistry } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import type { UniversalHandler, UniversalServerResponse } from '@connectrpc/connect/protocol';
import { errorFromJsonBytes, errorToJsonBytes } from '@connectrpc/connect/protocol-connect';
import { findTrailerError, setTrailerStatus } from '@connectrpc/connect/protocol-grpc';
import type { ErrorKind } from '../../machines/errors.ts';
import { file_muster_v1_node_service } from '../../proto/gen/muster/v1/node_service_pb.ts';
import { ErrorDetailSchema } from '../../proto/gen/muster/v1/task_pb.ts';
import { file_muster_v1_task_service } from '../../proto/gen/muster/v1/task_service_pb.ts';
import { actionOf } from './actions.ts';
import { anyOf } from './words.ts';

/** The kinds that such errors can have. Of other codes, only the code is told. */
const KIND_OF_CODE: Readonly<Partial<Record<Code, ErrorKind>>> = {
  [Code.InvalidArgument]: 'invalid_argument',
  [Code.Unauthenticated]: 'unauthenticated',
  [Code.PermissionDenied]: 'permission_denied',
  [Code.ResourceExhausted]: 'resource_exhausted',
  [Code.Unavailable]: 'unavailable',
  [Code.Internal]: 'internal',
};

/** Every enum that a user can name. Files bring what they import. */
const ENUMS = createRegistry(
  file_muster_v1_task_service,
  file_muster_v1_node_service,
  ...file_muster_v1_task_service.dependencies,
  ...file_muster_v1_node_service.dependencies,
);

const ACCEPTED_TYPES =
  'application/json, application/proto, application/grpc or application/grpc-web';

/** Gives the kind that an error carries, if any. */
export function kindOf(error: ConnectError): string | undefined {
  return error.findDetails(ErrorDetailSchema)[0]?.kind;
}

/** Gives an error of the library the sentence and the kind of ours; any other is returned as it is. */
export function describeLibraryError(error: ConnectError, action: string): ConnectError {
  if (error.details.length > 0) return error;
  const [code, message] = translate(error, action);
  const kind = KIND_OF_CODE[code];
  const details = kind === undefined ? [] : [{ desc: ErrorDetailSchema, value: { kind } }];
  return new ConnectError(message, code, undefined, details, error.cause);
}

function translate({ code, rawMessage }: ConnectError, action: string): [Code, string] {
  if (code === Code.Internal && rawMessage.startsWith('parse binary: ')) {
    const fault = rawMessage.slice('parse binary: '.length);
    return [Code.InvalidArgument, `Cannot ${action}: the message cannot be read: ${fault}`];
  }
  const limit = /^message .*larger than configured readMaxBytes (\d+)/.exec(rawMessage)?.[1];
  if (code === Code.ResourceExhausted && limit !== undefined) {
    const size = `${Number(limit) / 2 ** 20} MiB`;
    return [code, `Cannot ${action}: the message is too large; it may have at most ${size}`];
  }
  const [, enumName, given] = /^cannot decode enum (\S+) from JSON: (.+)$/.exec(rawMessage) ?? [];
  const values = enumName === undefined ? undefined : ENUMS.getEnum(enumName)?.values;
  if (values !== undefined) {
    const names = values.filter(({ number }) => number !== 0).map(({ name }) => name);
    return [code, `Cannot ${action}: ${given} is not known here; it must be ${anyOf(names)}`];
  }
  if (code === Code.InvalidArgument && !rawMessage.startsWith('Cannot ')) {
    return [code, `Cannot ${action}: the message cannot be read: ${rawMessage}`];
  }
  return [code, rawMessage];
}

/** Wraps the handler of one method. */
export function describingHandler(handler: UniversalHandler): UniversalHandler {
  const action = actionOf(handler.method.name);
  const describing = async (request: Parameters<UniversalHandler>[0]) => {
    const response = await handler(request);
    if (response.status === 415)
      return refusal(
        response,
        `Cannot ${action}: the content type is not one of ${ACCEPTED_TYPES}`,
      );
    if (response.status === 405)
      return refusal(
        response,
        `Cannot ${action}: HTTP ${request.method} does not do that; use POST`,
      );
    if (response.status === 505) return refusal(response, `Cannot ${action}: it takes HTTP/2`);
    if (response.trailer?.has('grpc-status'))
      return { ...response, body: describedTrailer(response, action) };
    const isUnaryError = response.status >= 400 && !response.header?.has('content-encoding');
    return isUnaryError ? await describedUnary(response, action) : response;
  };
  return Object.assign(describing, handler);
}

/** Connect: the body of an unsuccessful unary call is the error as JSON. */
async function describedUnary(
  response: UniversalServerResponse,
  action: string,
): Promise<UniversalServerResponse> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body ?? []) chunks.push(chunk);
  const fallback = new ConnectError('', Code.Unknown);
  const error = errorFromJsonBytes(Buffer.concat(chunks), undefined, fallback);
  const described = describeLibraryError(error, action);
  const status = described.code === Code.InvalidArgument ? 400 : response.status;
  const bytes = errorToJsonBytes(described, undefined);
  return withBody({ ...response, status }, bytes);
}

/** gRPC: the trailers are complete once the body has been read. */
async function* describedTrailer(
  { body, trailer }: UniversalServerResponse,
  action: string,
): AsyncIterable<Uint8Array> {
  if (body !== undefined) yield* body;
  const error = trailer === undefined ? undefined : findTrailerError(trailer);
  if (error === undefined || error.details.length > 0) return;
  setTrailerStatus(trailer as Headers, describeLibraryError(error, action));
}

function refusal(response: UniversalServerResponse, message: string): UniversalServerResponse {
  const header = new Headers(response.header);
  header.set('content-type', 'application/json');
  return withBody({ ...response, header }, Buffer.from(JSON.stringify({ message })));
}

function withBody(response: UniversalServerResponse, bytes: Uint8Array): UniversalServerResponse {
  const header = new Headers(response.header);
  header.set('content-length', String(bytes.byteLength));
  const body = (async function* () {
    yield bytes;
  })();
  return { ...response, header, body };
}
