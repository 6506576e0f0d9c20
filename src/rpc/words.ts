/**
 * Small pieces of sentences that several files put together.
 */

/** Lists choices: `a, b or c`. */
export function anyOf(names: readonly string[]): string {
  return names.join(', ').replace(/, (?=[^,]+$)/, ' or ');
}
