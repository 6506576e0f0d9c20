/**
 * Checks every message that comes in against the constraints in the proto.
 *
 * An interceptor: services only see what passed. Violations become one sentence of kind `invalid_argument`. The rules are
 * compiled once per message type; patterns run on the engine of the runtime, since they come from our own proto only
 * and none of them backtracks.
 */
import type { DescMessage, Message, MessageShape } from '@bufbuild/protobuf';
import { createValidator } from '@bufbuild/protovalidate';
import type { Interceptor } from '@connectrpc/connect';
import { MusterError } from '../../machines/errors.ts';
import { actionOf } from './actions.ts';
import { findUnsafeText } from './unsafe-text.ts';
import { showViolations } from './violations.ts';
import { WatchedStream } from './watched-stream.ts';

const patterns = new Map<string, RegExp>();

const validator = createValidator({ regexMatch: matches });

function matches(pattern: string, text: string): boolean {
  let compiled = patterns.get(pattern);
  if (compiled === undefined) patterns.set(pattern, (compiled = new RegExp(pattern, 'u')));
  return compiled.test(text);
}

/**
 * Checks one message.
 *
 * @param action completes the sentence `Cannot …`
 * @throws MusterError `invalid_argument`
 */
export function validate<D extends DescMessage>(
  schema: D,
  message: MessageShape<D>,
  action: string,
): void {
  const unsafe = findUnsafeText(message);
  if (unsafe !== null) {
    throw new MusterError('invalid_argument', `Cannot ${action}: ${unsafe.path} ${unsafe.fault}`);
  }
  const result = validator.validate(schema, message);
  if (result.kind === 'valid') return;
  if (result.kind === 'error') {
    throw new MusterError('internal', `Cannot ${action}: the constraints of the API are broken`, {
      cause: result.error,
    });
  }
  const sentence = showViolations(schema, message, result.violations);
  throw new MusterError('invalid_argument', `Cannot ${action}: ${sentence}`);
}

/** Validates the request of every unary and server-streaming call, and each message of a session. */
export const validationInterceptor: Interceptor = (next) => (request) => {
  const schema = request.method.input;
  const action = actionOf(request.method.name);
  if (request.stream) {
    const onMessage = (message: Message) => validate(schema, message, action);
    return next({ ...request, message: new WatchedStream(request.message, { onMessage }) });
  }
  validate(schema, request.message, action);
  return next(request);
};
