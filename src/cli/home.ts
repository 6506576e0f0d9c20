/**
 * Where the supervisor is and what opens it: flags, then the environment, then the data folder.
 *
 * A running supervisor writes its URL to `<home>/address` and its token to `<home>/token` (mode 0600). The data folder is
 * MUSTER_HOME, else `.muster` in the current folder if there is one, else `.muster` in this checkout. A token is never taken from
 * a flag: other users could read it in the list of processes.
 */
import { readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CliFault } from './fault.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A supervisor to talk to. */
export interface Endpoint {
  /** Without a slash at the end. */
  readonly url: string;
  readonly token: string;
  /** Where the token was taken from, for messages. */
  readonly tokenSource: string;
}

/** The flags that say which supervisor is meant. */
export interface EndpointFlags {
  readonly server?: string | undefined;
  readonly tokenFile?: string | undefined;
}

const CHECKOUT = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Returns the data folder, whether it exists or not.
 *
 * @throws CliFault when the `.muster` of the current folder belongs to another user, who could have put it there to be sent
 *   scripts and secrets
 */
export function findHome(environment: Environment, currentFolder: string): string {
  const named = environment['MUSTER_HOME'];
  if (named) return resolve(currentFolder, named);
  const local = join(currentFolder, '.muster');
  const owner = statSync(local, { throwIfNoEntry: false })?.uid;
  if (owner === undefined) return join(CHECKOUT, '.muster');
  const me = process.getuid?.() ?? owner;
  if (owner !== me && owner !== 0) {
    throw new CliFault(
      `${local} belongs to another user; to use it all the same, set MUSTER_HOME=${local}`,
    );
  }
  return local;
}

/** Returns the data folder of a process that we start: the one given, else the one where commands look. */
export function serviceHome(
  given: string | undefined,
  environment: Environment,
  currentFolder: string,
): string {
  return given === undefined ? findHome(environment, currentFolder) : resolve(currentFolder, given);
}

/**
 * Finds the supervisor and the token.
 *
 * @throws CliFault with what to do when one of them cannot be found
 */
export function findEndpoint(
  flags: EndpointFlags,
  environment: Environment,
  currentFolder: string,
): Endpoint {
  const home = () => findHome(environment, currentFolder);
  return { url: findServer(flags, environment, home), ...findToken(flags, environment, home) };
}

function findServer(flags: EndpointFlags, environment: Environment, home: () => string): string {
  if (flags.server !== undefined) return serverUrl(flags.server, '--server');
  if (environment['MUSTER_SERVER']) return serverUrl(environment['MUSTER_SERVER'], 'MUSTER_SERVER');
  const file = join(home(), 'address');
  const address = readText(file, 'the address of the supervisor');
  if (address === undefined) {
    throw new CliFault(
      `no supervisor is known: there is no ${file}; start one with: ./muster up, or name one with --server or MUSTER_SERVER`,
    );
  }
  return serverUrl(address.split('\n')[0]?.trim() ?? '', file);
}

function findToken(
  flags: EndpointFlags,
  environment: Environment,
  home: () => string,
): { token: string; tokenSource: string } {
  if (flags.tokenFile !== undefined) return fromFile(flags.tokenFile, '--token-file');
  if (environment['MUSTER_TOKEN']) {
    return checked(environment['MUSTER_TOKEN'], 'the environment variable MUSTER_TOKEN');
  }
  if (environment['MUSTER_TOKEN_FILE']) {
    return fromFile(environment['MUSTER_TOKEN_FILE'], 'MUSTER_TOKEN_FILE');
  }
  const file = join(home(), 'token');
  const text = readText(file, 'the token');
  if (text === undefined) {
    throw new CliFault(
      `no token is known: there is no ${file}; start a supervisor with: ./muster up, or set MUSTER_TOKEN_FILE`,
    );
  }
  return checked(text, file);
}

function fromFile(file: string, named: string) {
  const text = readText(file, 'the token');
  if (text === undefined)
    throw new CliFault(`cannot read the token: there is no ${file} (${named})`);
  return checked(text, file);
}

function checked(text: string, tokenSource: string) {
  const token = text.trim();
  if (token === '') throw new CliFault(`there is no token in ${tokenSource}: it is empty`);
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new CliFault(
      `there is no token in ${tokenSource}: a token is one word of plain characters`,
    );
  }
  return { token, tokenSource };
}

function serverUrl(text: string, source: string): string {
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.hostname === '') {
    throw new CliFault(
      `'${text}' (${source}) is no address; write http://127.0.0.1:7070 or https://…`,
    );
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw new CliFault(
      `'${text}' (${source}) has more than an address: a supervisor has no path; write ${url.origin}`,
    );
  }
  return url.origin;
}

/** Returns the text of a file, or undefined when there is no such file. */
function readText(file: string, what: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    const why = code === 'EACCES' ? 'permission denied' : (error as Error).message;
    throw new CliFault(`cannot read ${what}: ${file}: ${why}`, { cause: error });
  }
}
