// Where the supervisor and the token are looked for, and what is said when they are not there.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CliFault } from './fault.ts';
import { findEndpoint, findHome, serviceHome } from './home.ts';

let folder: string;
let home: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-home-'));
  home = join(folder, '.muster');
  mkdirSync(home);
  writeFileSync(join(home, 'address'), 'http://127.0.0.1:7171\n');
  writeFileSync(join(home, 'token'), 'from-home\n');
});
afterEach(() => rmSync(folder, { recursive: true }));

test('the .muster of the current folder comes before that of the checkout', () => {
  expect(findHome({}, folder)).toBe(home);
  const checkout = fileURLToPath(new URL('../../.muster', import.meta.url));
  expect(findHome({}, join(folder, '.muster'))).toBe(checkout);
  expect(findHome({ MUSTER_HOME: 'elsewhere' }, folder)).toBe(join(folder, 'elsewhere'));
  expect(serviceHome('given', { MUSTER_HOME: 'elsewhere' }, folder)).toBe(join(folder, 'given'));
});

test('without anything else the data folder has both', () => {
  expect(findEndpoint({}, {}, folder)).toEqual({
    url: 'http://127.0.0.1:7171',
    token: 'from-home',
    tokenSource: join(home, 'token'),
  });
});

test('flags come before the environment, the environment before the data folder', () => {
  const tokenFile = join(folder, 'other-token');
  writeFileSync(tokenFile, 'from-file');
  const environment = {
    MUSTER_SERVER: 'https://a.example/',
    MUSTER_TOKEN: 'from-env',
    MUSTER_TOKEN_FILE: tokenFile,
  };
  expect(findEndpoint({}, environment, folder)).toMatchObject({
    url: 'https://a.example',
    token: 'from-env',
  });
  expect(findEndpoint({}, { MUSTER_TOKEN: '', MUSTER_TOKEN_FILE: tokenFile }, folder).token).toBe(
    'from-file',
  );
  const flags = { server: 'http://b.example:1', tokenFile };
  expect(findEndpoint(flags, environment, folder)).toMatchObject({
    url: 'http://b.example:1',
    token: 'from-file',
    tokenSource: tokenFile,
  });
});

describe('a sentence says what to do', () => {
  const fault = (environment: Record<string, string>) => {
    try {
      findEndpoint({}, { MUSTER_HOME: home, ...environment }, folder);
    } catch (error) {
      if (error instanceof CliFault) return error.message;
    }
    throw new Error('nothing was thrown');
  };

  test('without an address', () => {
    rmSync(join(home, 'address'));
    expect(fault({})).toContain('start one with: ./muster up');
  });

  test('without a token', () => {
    rmSync(join(home, 'token'));
    expect(fault({})).toContain('no token is known');
    expect(fault({ MUSTER_TOKEN_FILE: join(folder, 'none') })).toContain('MUSTER_TOKEN_FILE');
  });

  test('with a token that is none', () => {
    writeFileSync(join(home, 'token'), '\n');
    expect(fault({})).toContain('it is empty');
    expect(fault({ MUSTER_TOKEN: 'two words' })).toContain('one word');
  });

  test('with a token that cannot be read', () => {
    chmodSync(join(home, 'token'), 0);
    // root may read everything; a folder nobody can.
    const path = process.getuid?.() === 0 ? home : join(home, 'token');
    expect(fault({ MUSTER_TOKEN_FILE: path })).toContain(`cannot read the token: ${path}`);
  });

  test.each(['127.0.0.1:7070', 'ftp://x', 'muster', 'http://'])('with the address %j', (server) => {
    expect(fault({ MUSTER_SERVER: server })).toContain('MUSTER_SERVER');
  });
});

test.each(['http://host/foo', 'https://host:7070/?a=b', 'http://host/#x'])(
  'an address with more than a host and a port is refused: %s',
  (server) => {
    expect(() => findEndpoint({ server }, {}, folder)).toThrow(
      /\(--server\) has more than an address: a supervisor has no path; write https?:\/\/host(:7070)?$/,
    );
  },
);

test('a slash at the end of an address is none of its business', () => {
  expect(findEndpoint({ server: 'http://host:7070/' }, {}, folder).url).toBe('http://host:7070');
});
