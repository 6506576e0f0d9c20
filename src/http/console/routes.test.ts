/** The console over HTTP: files, log-in, log-out; and that its session opens the API to its own pages only (I11). */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import http, { type IncomingHttpHeaders } from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SimulatedClock } from '../../process/clock.ts';
import { SESSION_MS } from '../../rpc/console-session.ts';
import { StubSupervisor } from '../../rpc/testing/stub-supervisor.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';
import { TOKENS } from '../testing/transports.ts';
import { type Assets, readAssets } from './assets.ts';

const LONG = 'export const again = 1;\n'.repeat(200);

let folder: string;
let assets: Assets | null;
let server: TestServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-console-'));
  await mkdir(join(folder, 'assets'));
  await writeFile(
    join(folder, 'index.html'),
    `<!doctype html><title>The page</title>${'<p></p>'.repeat(50)}`,
  );
  await writeFile(join(folder, 'assets', 'index-4f2a.js'), 'export {};');
  await writeFile(join(folder, 'assets', 'long-77aa.js'), LONG);
  await writeFile(join(folder, 'assets', 'photo-11bb.png'), LONG);
  await writeFile(join(folder, 'icon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  await writeFile(join(folder, 'notes.bin'), 'not to be served');
  assets = await readAssets(folder);
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => server.close(0));

async function start(options: { tls?: boolean; clock?: SimulatedClock; built?: boolean } = {}) {
  const { built = true, ...rest } = options;
  const given = built && assets !== null ? { assets } : {};
  const supervisor = new StubSupervisor();
  server = await startTestServer({ supervisor, tokens: TOKENS, ...given, ...rest });
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly content: Buffer;
  readonly text: string;
}

/** Unlike fetch it may say Origin and Sec-Fetch-Site. */
async function ask(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body = '',
): Promise<Answer> {
  const { request } = server.url.startsWith('https') ? https : http;
  return await new Promise((resolve, reject) => {
    const options = { method, headers, agent: false as const, rejectUnauthorized: false };
    const asked = request(server.url + path, options, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => {
        const { statusCode = 0, headers: given } = response;
        const content = Buffer.concat(parts);
        resolve({ status: statusCode, headers: given, content, text: content.toString() });
      });
      response.on('error', reject);
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

const HERE = { 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' };
const login = async (token: unknown = TOKENS.user, headers: Record<string, string> = HERE) =>
  await ask('POST', '/console/login', headers, JSON.stringify({ token }));

async function cookieOf(): Promise<string> {
  const { headers } = await login();
  return headers['set-cookie']?.[0]?.split(';')[0] ?? '';
}

const list = async (headers: Record<string, string>) =>
  (await ask('POST', '/muster.v1.TaskService/ListTasks', { ...HERE, ...headers }, '{}')).status;

describe('the files', () => {
  it('may do what a page of the console needs, and nothing else', async () => {
    await start();
    for (const path of ['/', '/assets/index-4f2a.js']) {
      const { status, headers } = await ask('GET', path, { accept: 'text/html' });
      expect(status).toBe(200);
      const policy = headers['content-security-policy'] ?? '';
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/unsafe|\*|https?:/);
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(headers['referrer-policy']).toBe('no-referrer');
    }
  });

  it('are kept for ever where their name has a hash, and asked for again otherwise', async () => {
    await start();
    const hashed = await ask('GET', '/assets/index-4f2a.js');
    expect(hashed.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(hashed.headers['content-type']).toBe('text/javascript; charset=utf-8');
    expect((await ask('GET', '/icon.svg')).headers['cache-control']).toBe('no-cache');
    expect((await ask('GET', '/')).headers['cache-control']).toBe('no-cache');
  });

  it('are compressed for whom that can read it', async () => {
    await start();
    const { content, headers } = await ask('GET', '/assets/long-77aa.js', {
      'accept-encoding': 'gzip, deflate, br',
    });
    expect(headers['content-encoding']).toBe('gzip');
    expect(headers['content-length']).toBe(String(content.length));
    expect(content.length).toBeLessThan(LONG.length / 10);
    expect(gunzipSync(content).toString()).toBe(LONG);
    expect(headers.vary).toBe('accept-encoding');
    expect(headers['content-type']).toBe('text/javascript; charset=utf-8');
    const page = await ask('GET', '/tasks', { accept: 'text/html', 'accept-encoding': 'gzip' });
    expect(gunzipSync(page.content).toString()).toContain('The page');
  });

  it('are as they are for everybody else, and where compression would be of no use', async () => {
    await start();
    const plain = await ask('GET', '/assets/long-77aa.js');
    expect(plain.text).toBe(LONG);
    expect(plain.headers['content-encoding']).toBeUndefined();
    expect(plain.headers['content-length']).toBe(String(LONG.length));
    // A cache in between must not hand this one to the others.
    expect(plain.headers.vary).toBe('accept-encoding');
    for (const path of ['/assets/photo-11bb.png', '/assets/index-4f2a.js']) {
      const { headers } = await ask('GET', path, { 'accept-encoding': 'gzip, br' });
      expect(headers['content-encoding']).toBeUndefined();
      expect(headers.vary).toBeUndefined();
    }
    const head = await ask('HEAD', '/assets/long-77aa.js', { 'accept-encoding': 'gzip' });
    expect(head.headers['content-encoding']).toBe('gzip');
    expect(Number(head.headers['content-length'])).toBeLessThan(LONG.length / 10);
    expect(head.content).toHaveLength(0);
  });

  it('are the page for every path of the console', async () => {
    await start();
    for (const path of ['/tasks', '/tasks/new?from=1', '/nodes/web-1.example.org', '/login']) {
      const { text, headers } = await ask('GET', path, { accept: 'text/html,*/*;q=0.8' });
      expect(text).toContain('The page');
      expect(headers['content-type']).toBe('text/html; charset=utf-8');
    }
    expect((await ask('HEAD', '/', { accept: 'text/html' })).status).toBe(200);
  });

  it('are none besides', async () => {
    await start();
    const page = { accept: 'text/html' };
    expect((await ask('GET', '/assets/index-0000.js', page)).status).toBe(404);
    expect((await ask('GET', '/muster.v1.TaskService/Nothing', page)).status).toBe(404);
    expect((await ask('GET', '/notes.bin')).status).toBe(404);
    expect((await ask('GET', '/tasks', { accept: 'application/json' })).status).toBe(404);
    expect((await ask('GET', '/assets/..%2f..%2fetc/passwd', page)).status).toBe(404);
    expect((await ask('GET', '/healthz', page)).text).toBe('{"status":"ok"}');
    expect((await ask('POST', '/tasks', page)).status).toBe(404);
  });

  it('are missed with a sentence where there was no build', async () => {
    await start({ built: false });
    expect((await ask('GET', '/')).text).toContain('The console has not been built here');
    expect(await readAssets(join(folder, 'nowhere'))).toBeNull();
    expect(await readAssets(join(folder, 'assets'))).toBeNull();
  });
});

describe('the log-in', () => {
  it('gives a cookie that scripts cannot read and other sites cannot send', async () => {
    await start();
    const { status, headers } = await login();
    expect(status).toBe(204);
    expect(headers['cache-control']).toBe('no-store');
    expect(headers['set-cookie']).toHaveLength(1);
    const attributes = headers['set-cookie']?.[0]?.split('; ').slice(1);
    expect(attributes).toEqual(['Path=/', 'Max-Age=2592000', 'HttpOnly', 'SameSite=Strict']);
  });

  it('keeps the cookie to TLS where there is TLS', async () => {
    await start({ tls: true });
    expect((await login()).headers['set-cookie']?.[0]).toMatch(/; Secure$/);
  });

  it('takes the user token and nothing else', async () => {
    await start();
    for (const token of ['', 'wrong', TOKENS.agent, `${TOKENS.user} x`, 5, null]) {
      const { status, headers, text } = await login(token);
      expect(status).toBe(401);
      expect(headers['set-cookie']).toBeUndefined();
      expect(text).toContain('this is not the user token');
    }
    expect((await login(` ${TOKENS.user}\n`)).status).toBe(204);
  });

  it('is not confused by what is no log-in', async () => {
    await start();
    for (const body of ['', 'null', '[]', '"x"', '{', '{"token":{}}']) {
      expect((await ask('POST', '/console/login', HERE, body)).status).toBe(401);
    }
    const large = JSON.stringify({ token: 'x'.repeat(5_000) });
    const { status, text } = await ask('POST', '/console/login', HERE, large);
    expect(status).toBe(413);
    expect(text).toContain('too large');
  });

  it('is refused from another site', async () => {
    await start();
    const json = { 'content-type': 'application/json' };
    expect((await login(TOKENS.user, { ...json, 'sec-fetch-site': 'cross-site' })).status).toBe(
      403,
    );
    expect((await login(TOKENS.user, { ...json, origin: 'http://evil.example' })).status).toBe(403);
    expect((await login(TOKENS.user, json)).status).toBe(403);
    expect((await login(TOKENS.user, { ...json, origin: server.url })).status).toBe(204);
  });

  it('is told of, and over after a log-out', async () => {
    await start();
    const cookie = await cookieOf();
    expect((await ask('GET', '/console/session')).status).toBe(401);
    expect((await ask('GET', '/console/session', { cookie })).text).toBe('{"user":"user"}');
    const cross = { cookie, 'sec-fetch-site': 'cross-site' };
    expect((await ask('POST', '/console/logout', cross)).status).toBe(403);
    const { status, headers } = await ask('POST', '/console/logout', { ...HERE, cookie });
    expect(status).toBe(204);
    expect(headers['set-cookie']?.[0]).toMatch(/^muster_session_[0-9a-f]{8}=; Path=\/; Max-Age=0/);
  });
});

describe('the API', () => {
  it('takes the session from pages of ours only', async () => {
    await start();
    const cookie = await cookieOf();
    expect(await list({ cookie })).toBe(200);
    expect(await list({ cookie, 'sec-fetch-site': 'cross-site' })).toBe(401);
    expect(await list({ cookie, 'sec-fetch-site': 'same-site' })).toBe(401);
    expect(await list({})).toBe(401);
    const forged = cookie.replace(/=.*/, '=mc1.9999999999.x');
    expect(await list({ cookie: forged })).toBe(401);
  });

  it('does not look at the session where a token is given', async () => {
    await start();
    const cookie = await cookieOf();
    expect(await list({ cookie, authorization: 'Bearer wrong' })).toBe(401);
    expect(await list({ cookie, authorization: '' })).toBe(401);
    expect(await list({ cookie, authorization: `Bearer ${TOKENS.agent}` })).toBe(403);
    const token = { authorization: `Bearer ${TOKENS.user}` };
    expect(await list({ cookie, ...token, 'sec-fetch-site': 'cross-site' })).toBe(200);
  });

  it('gives a browser nothing that is for agents', async () => {
    await start();
    const headers = { ...HERE, cookie: await cookieOf() };
    expect((await ask('POST', '/muster.v1.AgentService/Enroll', headers, '{}')).status).toBe(403);
  });

  it('ends the session when its time is over', async () => {
    const clock = new SimulatedClock();
    await start({ clock });
    const cookie = await cookieOf();
    expect(await list({ cookie })).toBe(200);
    clock.advance(SESSION_MS);
    expect(await list({ cookie })).toBe(401);
    expect((await ask('GET', '/console/session', { cookie })).status).toBe(401);
  });
});
