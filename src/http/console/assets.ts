/**
 * The files of the console, as its build left them in web/dist: read once at the start, and served with what they are allowed to do.
 *
 * Files under assets/ carry a hash of their content in their names and never change; every other path is the page itself, which
 * knows its own routes.
 */
import { readFile, readdir } from 'node:fs/promises';
import { extname, join } from 'node:path';

export interface Asset {
  readonly content: Uint8Array<ArrayBuffer>;
  readonly type: string;
}

export interface Assets {
  /** The page. */
  readonly page: Asset;
  /** By path, for example /assets/index-4f2a.js. */
  readonly files: ReadonlyMap<string, Asset>;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
  '.woff2': 'font/woff2',
  '.png': 'image/png',
};

/** What a page of the console may do: load files of ours and call this supervisor, and nothing else. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

/** Reads the files of a build. Returns null if there is none. */
export async function readAssets(folder: string): Promise<Assets | null> {
  const names = await readdir(folder, { recursive: true }).catch(() => null);
  if (names === null) return null;
  const files = new Map<string, Asset>();
  for (const name of names) {
    const type = TYPES[extname(name)];
    if (type === undefined) continue;
    const content = new Uint8Array(await readFile(join(folder, name)));
    files.set(`/${name.replaceAll('\\', '/')}`, { content, type });
  }
  const page = files.get('/index.html');
  if (page === undefined) return null;
  files.delete('/index.html');
  return { page, files };
}
