/**
 * Ends streams when the process stops.
 *
 * A stream that ended by that says `unavailable`: whoever follows it connects again instead of believing that it is over.
 */
import { MusterError } from '../../machines/errors.ts';

/** What a caller is told whose stream the stop of the process ends. */
export const STOPPING_SENTENCE =
  'Cannot go on: this supervisor is stopping; call again, here later or at another one';

/**
 * Yields what `open` gives until the caller goes away or the process stops.
 *
 * @param open takes a signal that fires for either
 * @throws MusterError `unavailable` when the process stops
 */
export async function* untilStopping<T>(
  caller: AbortSignal,
  stopping: AbortSignal,
  open: (signal: AbortSignal) => AsyncIterable<T>,
): AsyncIterable<T> {
  const isStopped = () => stopping.aborted && !caller.aborted;
  const either = eitherOf(caller, stopping);
  try {
    yield* open(either.signal);
    if (isStopped()) throw new MusterError('unavailable', STOPPING_SENTENCE);
  } catch (thrown) {
    if (!isStopped() || thrown instanceof MusterError) throw thrown;
    throw new MusterError('unavailable', STOPPING_SENTENCE, { cause: thrown });
  } finally {
    either.release();
  }
}

/** Calls `work` with a signal that fires when the caller goes away or the process stops. */
export async function withEither<T>(
  caller: AbortSignal,
  stopping: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const either = eitherOf(caller, stopping);
  try {
    return await work(either.signal);
  } finally {
    either.release();
  }
}

/** As AbortSignal.any, but leaves nothing behind on a signal that lives as long as the process. */
function eitherOf(one: AbortSignal, other: AbortSignal): { signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  const abort = () => controller.abort();
  if (one.aborted || other.aborted) abort();
  one.addEventListener('abort', abort, { once: true });
  other.addEventListener('abort', abort, { once: true });
  const release = () => {
    one.removeEventListener('abort', abort);
    other.removeEventListener('abort', abort);
  };
  return { signal: controller.signal, release };
}
