/** The session cookie of a browser, and which requests it counts for (I11). */
import { describe, expect, it } from 'vitest';
import { SESSION_MS, cookieName, isSameOrigin, isSession, makeSession } from './console-session.ts';

const TOKEN = 'the-token';
const NOW = Date.UTC(2026, 0, 1);
const cookie = (value: string, token = TOKEN) => `${cookieName(token)}=${value}`;

describe('the session', () => {
  it('holds for its time and no longer', () => {
    const header = cookie(makeSession(TOKEN, NOW));
    expect(isSession(TOKEN, header, NOW)).toBe(true);
    expect(isSession(TOKEN, header, NOW + SESSION_MS - 1_000)).toBe(true);
    expect(isSession(TOKEN, header, NOW + SESSION_MS)).toBe(false);
  });

  it('is over with another token', () => {
    expect(isSession('another', cookie(makeSession(TOKEN, NOW), 'another'), NOW)).toBe(false);
  });

  it('does not have the token in it', () => {
    expect(cookie(makeSession(TOKEN, NOW))).not.toContain(TOKEN);
  });

  it('stands beside those of supervisors with other tokens', () => {
    const both = [TOKEN, 'another'].map((token) => cookie(makeSession(token, NOW), token));
    expect(isSession(TOKEN, both.join('; '), NOW)).toBe(true);
    expect(isSession('another', both.join('; '), NOW)).toBe(true);
  });

  it('is found among other cookies', () => {
    const value = makeSession(TOKEN, NOW);
    expect(isSession(TOKEN, `a=1; ${cookie(value)};b=2`, NOW)).toBe(true);
    expect(isSession(TOKEN, `x${cookie(value)}`, NOW)).toBe(false);
  });

  it.each([
    ['none', null],
    ['an empty one', ''],
    ['no value', cookie('')],
    ['half of one', cookie('mc1.9999999999')],
    ['a later time', cookie(makeSession(TOKEN, NOW).replace(/\.\d+\./, '.9999999999.'))],
    ['another version', cookie(makeSession(TOKEN, NOW).replace('mc1', 'mc2'))],
    ['a mac that is cut', cookie(makeSession(TOKEN, NOW).slice(0, -1))],
    ['the token itself', cookie(TOKEN)],
  ])('is refused for %s', (_, header) => {
    expect(isSession(TOKEN, header, NOW)).toBe(false);
  });
});

describe('a request of a page of ours', () => {
  const host = 'muster.example:7070';

  it('is what the browser says', () => {
    expect(isSameOrigin({ site: 'same-origin', origin: null, host })).toBe(true);
    for (const site of ['cross-site', 'same-site', 'none', '']) {
      // Another port or name of the same site is not ours, whatever it calls itself.
      expect(isSameOrigin({ site, origin: `http://${host}`, host })).toBe(false);
    }
  });

  it('is told by its origin where the browser does not say it', () => {
    const of = (origin: string | null) => isSameOrigin({ site: null, origin, host });
    expect(of(`http://${host}`)).toBe(true);
    expect(of('http://muster.example')).toBe(false);
    expect(of('http://muster.example:7071')).toBe(false);
    expect(of(`http://${host}.evil.example`)).toBe(false);
    expect(of('null')).toBe(false);
    expect(of(null)).toBe(false);
    expect(isSameOrigin({ site: null, origin: `http://${host}`, host: null })).toBe(false);
  });
});
