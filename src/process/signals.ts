/**
 * SIGTERM and SIGINT as an AbortSignal.
 *
 * The first asks for an orderly stop, which has a bound; a second one ends the process at once, as impatient people expect.
 */

/** Fires at the first SIGTERM or SIGINT. */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  const onSignal = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(name === 'SIGINT' ? 130 : 143);
    controller.abort(name);
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  return controller.signal;
}
