/**
 * SIGTERM and SIGINT as an AbortSignal.
 *
 * The first asks for an orderly stop, which has a bound; a second one ends the process at once, as impatient people expect. One
 * that follows within a moment is the same key press: the terminal sends it to the whole group, and npm or `deno task` pass
 * theirs on.
 */

const SAME_PRESS_MS = 1_000;

/** Fires at the first SIGTERM or SIGINT. */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  let askedAt = 0;
  const onSignal = (name: NodeJS.Signals) => {
    if (!controller.signal.aborted) {
      askedAt = performance.now();
      controller.abort(name);
    } else if (performance.now() - askedAt > SAME_PRESS_MS) {
      process.exit(name === 'SIGINT' ? 130 : 143);
    }
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  return controller.signal;
}
