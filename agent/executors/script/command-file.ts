/**
 * The file `command` of an attempt: a few lines of shell that shim.sh reads to become the script. Used by the script executor.
 *
 * Everything in it is quoted, so that no word and no value means anything to the shell. It is for the agent's user alone: neither
 * words nor environment stand on a command line before the script itself runs.
 */
import { CannotStart } from './cannot-start.ts';
import type { Environment } from './program.ts';

/** Linux and macOS take no longer word … */
const MAX_WORD_BYTES = 131_071;
/** … and, with the usual limits, no more in all; the rest is for what the agent's own environment adds. */
const MAX_TOTAL_BYTES = 900 * 1024;

/** Variables that mean something to a shell, or that it does not let be set. */
const SHELL_VARIABLES =
  /^(_|BASH.*|DIRSTACK|EUID|FUNCNAME|GROUPS|IFS|LINENO|OLDPWD|OPTARG|OPTIND|PPID|PS4|PWD|RANDOM|SECONDS|SHELLOPTS|SHLVL|UID)$/;

/**
 * Returns the text of the file.
 *
 * @param words an absolute program first
 * @throws CannotStart if no process can be given so much
 */
export function commandText(
  words: readonly string[],
  environment: Environment,
  cwd: string,
  nodeId: string,
): string {
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const sizes = [...words, ...variables].map((text) => Buffer.byteLength(text));
  const total = sizes.reduce((sum, bytes) => sum + bytes + 9, 0);
  if (total > MAX_TOTAL_BYTES || sizes.some((bytes) => bytes > MAX_WORD_BYTES)) {
    throw new CannotStart(
      `cannot start the script on node ${nodeId}: its arguments and environment are too long for the system`,
    );
  }
  const special = variables.filter((pair) =>
    SHELL_VARIABLES.test(pair.slice(0, pair.indexOf('='))),
  );
  const plain = variables.filter((pair) => !special.includes(pair));
  const exports = plain.map((pair) => {
    const equals = pair.indexOf('=');
    return `export ${pair.slice(0, equals)}=${quote(pair.slice(equals + 1))}`;
  });
  const prefix = special.length === 0 ? [] : ['/usr/bin/env', ...special];
  const exec = `exec ${[...prefix, ...words].map(quote).join(' ')}`;
  return `cd ${quote(cwd)} || exit 126\n${exports.join('\n')}\n${exec}\n`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
