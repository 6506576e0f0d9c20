/**
 * The log: one line per event on standard error, `time level name message key=value …`.
 *
 * Handed to whatever has something to say; secrets are never passed to it.
 */

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';
export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger whose lines carry these fields as well. */
  with(fields: LogFields): Logger;
}

const ORDER: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3, silent: 4 };

/**
 * @param name who speaks, for example supervisor or the node's id
 * @param level the lowest level that is written; default info
 * @param write takes one line without its end; default standard error
 */
export function createLogger(
  name: string,
  level: LogLevel = 'info',
  write: (line: string) => void = (line) => process.stderr.write(`${line}\n`),
  bound: LogFields = {},
): Logger {
  const log =
    (at: LogLevel) =>
    (message: string, fields: LogFields = {}) => {
      if (ORDER[at] < ORDER[level]) return;
      const pairs = Object.entries({ ...bound, ...fields }).map(
        ([key, value]) => ` ${key}=${show(value)}`,
      );
      write(`${new Date().toISOString()} ${at} ${name} ${message}${pairs.join('')}`);
    };
  return {
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
    with: (fields) => createLogger(name, level, write, { ...bound, ...fields }),
  };
}

/** A logger that says nothing. */
export const silentLogger: Logger = createLogger('', 'silent');

function show(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(value.message);
  if (typeof value === 'string') return /^[\w.:/@-]+$/.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(value) ?? 'undefined';
}
