/**
 * The session of a browser: a cookie that stands for the user token, so that the token itself is typed once and kept nowhere.
 *
 * The cookie says until when it holds and carries a mac of that under the user token; nothing is stored, and a new token ends all
 * sessions. A browser sends cookies along with whatever page asks it to, so a call that comes with one counts only if the browser
 * says that a page of ours made it.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** How long a log-in holds. */
export const SESSION_MS = 30 * 24 * 3_600_000;

const PREFIX = 'mc1';

/**
 * Returns the name of the cookie. Browsers keep cookies by host and not by port: supervisors with other tokens have other names, so that
 * the console of one does not log out of that of another beside it.
 */
export function cookieName(userToken: string): string {
  const mac = createHmac('sha256', userToken).update('muster console cookie').digest('hex');
  return `muster_session_${mac.slice(0, 8)}`;
}

/** Makes the value of the cookie. @param now ms since 1970 */
export function makeSession(userToken: string, now: number): string {
  const until = String(Math.floor((now + SESSION_MS) / 1000));
  return `${PREFIX}.${until}.${macOf(userToken, until)}`;
}

/** Tells whether a Cookie header carries a session that holds. @param now ms since 1970 */
export function isSession(userToken: string, cookies: string | null, now: number): boolean {
  const [prefix = '', until = '', mac = ''] = valueOf(cookies, cookieName(userToken)).split('.');
  // Compared in any case, so that the time an answer takes says nothing.
  const isOurs = timingSafeEqual(digestOf(mac), digestOf(macOf(userToken, until)));
  return isOurs && prefix === PREFIX && /^\d{1,12}$/.test(until) && Number(until) * 1000 > now;
}

/** What of a request says where it comes from. */
export interface RequestOrigin {
  /** Of the header Sec-Fetch-Site; null where the browser does not send it. */
  readonly site: string | null;
  /** Of the header Origin; null for none. */
  readonly origin: string | null;
  /** The host that was asked, with its port. */
  readonly host: string | null;
}

/** Tells whether a page of ours made the request. */
export function isSameOrigin({ site, origin, host }: RequestOrigin): boolean {
  if (site !== null) return site === 'same-origin';
  if (origin === null || host === null) return false;
  return URL.canParse(origin) && new URL(origin).host === host;
}

function valueOf(cookies: string | null, wanted: string): string {
  for (const pair of (cookies ?? '').split(';')) {
    const [name, ...value] = pair.trim().split('=');
    if (name === wanted) return value.join('=');
  }
  return '';
}

function macOf(userToken: string, until: string): string {
  return createHmac('sha256', userToken).update(`muster console ${until}`).digest('base64url');
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
