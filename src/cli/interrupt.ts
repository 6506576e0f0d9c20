/**
 * Ctrl-C, counted: the first one asks for an end, the second one leaves.
 *
 * Used by `run`. Until `close` it takes the place of the runtime's own handling, which would end the process.
 */

/** Calls `first` at the first Ctrl-C and `second` at the second; further ones change nothing. */
export function countInterrupts(first: () => void, second: () => void): { close(): void } {
  let count = 0;
  const onInterrupt = () => {
    count += 1;
    if (count === 1) first();
    else if (count === 2) second();
  };
  process.on('SIGINT', onInterrupt);
  return { close: () => process.off('SIGINT', onInterrupt) };
}
