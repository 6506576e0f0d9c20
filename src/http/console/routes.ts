/**
 * The console over HTTP: its files, and the log-in that gives a browser its session.
 */
import type { Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import {
  SESSION_MS,
  cookieName,
  isSameOrigin,
  isSession,
  makeSession,
} from '../../rpc/console-session.ts';
import type { Asset, Assets } from './assets.ts';
import { CONTENT_SECURITY_POLICY } from './assets.ts';
import { takesGzip } from './gzip.ts';

export interface ConsoleOptions {
  /** Null where the console has not been built. */
  readonly assets: Assets | null;
  readonly userToken: string;
  /** Tells whether an Authorization header carries the user token. */
  readonly isUser: (authorization: string | null) => boolean;
  /** ms since 1970. */
  readonly now: () => number;
  /** The port speaks TLS: the cookie is for that only. */
  readonly isTls: boolean;
}

const MAX_BODY_BYTES = 4_096;
/** Where a wrong path is one of a program, which is better told. */
const NO_PAGES = ['/assets/', '/console/', '/inspect/', '/muster.v1.'];
const YEAR_S = 31_536_000;

const HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
} as const;

/** Adds the routes. Paths of the console itself are answered with its page, so they come last. */
export function addConsole(app: Hono, options: ConsoleOptions): void {
  const { assets, userToken, now, isTls } = options;
  const name = cookieName(userToken);
  const cookie = (value: string, seconds: number) =>
    `${name}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Strict${isTls ? '; Secure' : ''}`;
  const onError = (c: Context) =>
    c.json({ message: 'Cannot read the request: it is too large' }, 413);
  app.use('/console/*', bodyLimit({ maxSize: MAX_BODY_BYTES, onError }), async (c, next) => {
    await next();
    c.header('cache-control', 'no-store');
  });
  app.get('/console/session', (c) =>
    isSession(userToken, c.req.header('cookie') ?? null, now())
      ? c.json({ user: 'user' })
      : c.json({ message: 'Cannot go on: log in first' }, 401),
  );
  app.post('/console/login', async (c) => {
    if (!isFromHere(c)) return c.json({ message: 'Cannot log in from another site' }, 403);
    const body = await c.req.json<{ token?: unknown } | null>().catch(() => null);
    const token = body?.token;
    if (typeof token !== 'string' || !options.isUser(`Bearer ${token.trim()}`)) {
      const message = 'Cannot log in: this is not the user token of this supervisor';
      return c.json({ message }, 401);
    }
    return c.body(null, 204, {
      'set-cookie': cookie(makeSession(userToken, now()), SESSION_MS / 1000),
    });
  });
  app.post('/console/logout', (c) => {
    if (!isFromHere(c)) return c.json({ message: 'Cannot log out from another site' }, 403);
    return c.body(null, 204, { 'set-cookie': cookie('', 0) });
  });
  if (assets === null) return;
  const { page, files } = assets;
  for (const [path, file] of files) {
    const isHashed = path.startsWith('/assets/');
    const caching = isHashed ? `public, max-age=${YEAR_S}, immutable` : 'no-cache';
    app.get(path, (c) => answer(c, file, caching));
  }
  app.get('*', async (c, next) => {
    const { path } = c.req;
    const wantsPage = path === '/' || (c.req.header('accept') ?? '').includes('text/html');
    // A name of a node may look like that of a file; files of ours are all known.
    const isPage = wantsPage && !NO_PAGES.some((start) => path.startsWith(start));
    return isPage ? answer(c, page, 'no-cache') : await next();
  });
}

function answer(c: Context, asset: Asset, caching: string): Response {
  const { content, gzipped, type } = asset;
  const isGzipped = gzipped !== null && takesGzip(c.req.header('accept-encoding') ?? '');
  const body = isGzipped ? gzipped : content;
  return c.body(body, 200, {
    ...HEADERS,
    'content-type': type,
    'content-length': String(body.length),
    'cache-control': caching,
    ...(isGzipped ? { 'content-encoding': 'gzip' } : {}),
    ...(gzipped === null ? {} : { vary: 'accept-encoding' }),
  });
}

function isFromHere(c: Context): boolean {
  const site = c.req.header('sec-fetch-site') ?? null;
  const origin = c.req.header('origin') ?? null;
  const { host } = new URL(c.req.url);
  return isSameOrigin({ site, origin, host: c.req.header('host') ?? host });
}
