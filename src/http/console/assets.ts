/**
 * The files of the console, as its build left them in web/dist: read and compressed once at the start, and served with what they are
 * allowed to do.
 *
 * Files under assets/ carry a hash of their content in their names and never change; every other path is the page itself, which
 * knows its own routes.
 */
import { readFile, readdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { type Bytes, compress } from './gzip.ts';

export interface Asset {
  readonly content: Bytes;
  /** The content, gzipped; null where that is no smaller. */
  readonly gzipped: Bytes | null;
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

/** What is compressed already would not get smaller. */
const IS_COMPRESSED = new Set(['.woff2', '.png']);

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
  const read = await Promise.all(names.map((name) => readAsset(folder, name)));
  const files = new Map(read.filter((one) => one !== null));
  const page = files.get('/index.html');
  if (page === undefined) return null;
  files.delete('/index.html');
  return { page, files };
}

/** Returns null for what is not to be served. */
async function readAsset(folder: string, name: string): Promise<[path: string, Asset] | null> {
  const extension = extname(name);
  const type = TYPES[extension];
  if (type === undefined) return null;
  const content = new Uint8Array(await readFile(join(folder, name)));
  const gzipped = IS_COMPRESSED.has(extension) ? null : await compress(content);
  return [`/${name.replaceAll('\\', '/')}`, { content, gzipped, type }];
}
