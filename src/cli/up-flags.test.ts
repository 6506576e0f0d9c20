// What the flags of `muster up` mean, and what is no number of agents and no port.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { UsageFault } from './fault.ts';
import { readUpFlags } from './up-flags.ts';

const USUAL = { agents: '3', port: '7070' };

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-up-flags-'));
  mkdirSync(join(folder, '.muster'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('commands find the .muster of the current folder by themselves', () => {
  const { home, muster } = readUpFlags(USUAL, {}, folder);
  expect([home, muster]).toEqual([join(folder, '.muster'), './muster']);
});

test('commands to try next name every other data folder, however it was given', () => {
  const expected = `MUSTER_HOME='${folder}/my data' ./muster`;
  expect(readUpFlags({ ...USUAL, data: 'my data' }, {}, folder).muster).toBe(expected);
  expect(readUpFlags(USUAL, { MUSTER_HOME: 'my data' }, folder).muster).toBe(expected);
});

test.each([
  [{ port: '99999' }, '--port: 99999 is not from 1 to 65535'],
  [{ port: '0' }, '--port: 0 is not from 1 to 65535'],
  [{ agents: '-1' }, '--agents: -1 is not from 0 to 64'],
  [{ agents: '65' }, '--agents: 65 is not from 0 to 64'],
  [{ agents: 'x' }, "--agents: 'x' is no whole number"],
])('%j is refused before anything is started', (flags, message) => {
  expect(() => readUpFlags({ ...USUAL, ...flags }, {}, folder)).toThrow(new UsageFault(message));
});
