/**
 * Colours, and the symbol that goes with a state.
 *
 * A state is always told by its word and a symbol, so that colour only helps. Colours appear on terminals only, and never
 * with NO_COLOR (https://no-color.org) or TERM=dumb.
 */

/** Paints text, or leaves it as it is. */
export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly cyan: (text: string) => string;
}

/** Tells whether a stream is to have no colours. */
export function isPlainStream(
  stream: { readonly isTTY?: boolean | undefined },
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  return (
    stream.isTTY !== true ||
    (environment['NO_COLOR'] ?? '') !== '' ||
    environment['TERM'] === 'dumb'
  );
}

/** Returns the style for a stream. */
export function createStyle(
  stream: { readonly isTTY?: boolean | undefined },
  environment: Readonly<Record<string, string | undefined>>,
): Style {
  const isPlain = isPlainStream(stream, environment);
  const paint = (open: number, close: number) => (text: string) =>
    isPlain || text === '' ? text : `\u001b[${open}m${text}\u001b[${close}m`;
  return {
    bold: paint(1, 22),
    dim: paint(2, 22),
    red: paint(31, 39),
    green: paint(32, 39),
    yellow: paint(33, 39),
    cyan: paint(36, 39),
  };
}

/** How a state looks: its symbol and its colour. */
export interface Look {
  readonly symbol: string;
  readonly colour: keyof Style;
}

const LOOKS: ReadonlyMap<string, Look> = new Map<string, Look>([
  ['pending', { symbol: '○', colour: 'dim' }],
  ['running', { symbol: '●', colour: 'cyan' }],
  ['running.unreachable', { symbol: '?', colour: 'yellow' }],
  ['completed', { symbol: '✓', colour: 'green' }],
  ['failed', { symbol: '✗', colour: 'red' }],
  ['timeout', { symbol: '◷', colour: 'red' }],
  ['cancelled', { symbol: '⊘', colour: 'yellow' }],
  ['online', { symbol: '●', colour: 'green' }],
  ['offline', { symbol: '○', colour: 'dim' }],
  ['unreachable', { symbol: '?', colour: 'yellow' }],
  ['starting', { symbol: '○', colour: 'dim' }],
  ['idle', { symbol: '●', colour: 'green' }],
  ['busy', { symbol: '●', colour: 'cyan' }],
  ['backing_off', { symbol: '◷', colour: 'yellow' }],
  ['crashed', { symbol: '✗', colour: 'red' }],
  ['stopped', { symbol: '⊘', colour: 'yellow' }],
  ['active', { symbol: '●', colour: 'green' }],
  ['paused', { symbol: '‖', colour: 'yellow' }],
  ['ended', { symbol: '■', colour: 'dim' }],
  ['draining', { symbol: '⇣', colour: 'yellow' }],
  ['stopping', { symbol: '■', colour: 'yellow' }],
  ['drained', { symbol: '⊘', colour: 'yellow' }],
  ['unknown', { symbol: '?', colour: 'yellow' }],
]);

/** Returns how a state looks, given as in `running.executing`. */
export function lookOf(state: string): Look {
  return LOOKS.get(state) ?? LOOKS.get(state.split('.')[0] ?? '') ?? { symbol: '·', colour: 'dim' };
}
