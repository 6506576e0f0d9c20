/**
 * Token files: made on the first start, read on every other.
 *
 * A token is one line of visible ASCII. The file that Muster makes itself is for its owner alone; it appears whole or not
 * at all, and of several processes that start at once all get the same one.
 */
import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StartError } from './start-error.ts';

const TOKEN_BYTES = 32;
const MIN_CHARACTERS = 16;

/** Where a token comes from. */
export type TokenSource =
  /** Given by flag or environment. `name` says which, for messages. */
  | { readonly kind: 'value'; readonly value: string; readonly name: string }
  /** A file that somebody else keeps, for example a mounted secret; its mode is theirs to choose. */
  | { readonly kind: 'file'; readonly path: string }
  /** A file of ours, made when there is none. */
  | { readonly kind: 'own_file'; readonly path: string };

/**
 * Returns the token of a source; makes the file where it is ours and missing.
 *
 * @throws StartError when it is empty, too short, unreadable, or readable by others
 */
export async function loadToken(source: TokenSource): Promise<string> {
  switch (source.kind) {
    case 'value':
      return checkToken(source.value, source.name);
    case 'file':
      return checkToken(await readText(source.path), `The token file ${source.path}`);
    case 'own_file':
      return (await readOwnToken(source.path)) ?? (await makeToken(source.path));
  }
}

/**
 * Reads a token file of ours; null when there is none.
 *
 * @throws StartError when it is empty, too short, unreadable, or readable by others
 */
export async function readOwnToken(path: string): Promise<string | null> {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return null;
    throw unreadable(path, cause);
  });
  if (found === null) return null;
  if ((found.mode & 0o077) !== 0) {
    const mode = (found.mode & 0o777).toString(8).padStart(4, '0');
    throw new StartError(
      `Cannot use the token file ${path}: others may read it (mode ${mode}); run chmod 600 ${path}, or delete it to have a new token made`,
    );
  }
  return checkToken(await readText(path), `The token file ${path}`);
}

/** Writes a new token beside `path` and gives it that name only if no other process was faster. */
async function makeToken(path: string): Promise<string> {
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  const fresh = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(fresh, 'wx', 0o600);
    try {
      await file.writeFile(`${token}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(fresh, path);
    return token;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') {
      const reason = (cause as Error).message;
      throw new StartError(`Cannot make the token file ${path}: ${reason}`, { cause });
    }
  } finally {
    await rm(fresh, { force: true });
  }
  const theirs = await readOwnToken(path);
  if (theirs === null)
    throw new StartError(`Cannot make the token file ${path}: it keeps going away`);
  return theirs;
}

async function readText(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/** The token itself never gets into a message. */
function checkToken(token: string, name: string): string {
  if (token === '') {
    throw new StartError(
      `${name} is empty; put a token of ${MIN_CHARACTERS} or more characters there, or remove it`,
    );
  }
  if (token.length < MIN_CHARACTERS || !/^[\x21-\x7e]+$/.test(token)) {
    throw new StartError(
      `${name} holds no usable token; it must be ${MIN_CHARACTERS} or more visible ASCII characters without spaces`,
    );
  }
  return token;
}

function unreadable(path: string, cause: unknown): StartError {
  const reason = (cause as Error).message;
  return new StartError(`Cannot read the token file ${path}: ${reason}`, { cause });
}
