// Definitions of machines: each that ever ran is kept once, with the time when it was first seen.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase } from '../test/database.ts';
import type { TestDatabase } from '../test/database.ts';
import { connectDatabase } from './connect.ts';
import type { Database } from './connect.ts';
import {
  listMachineVersions,
  type MachineDefinition,
  readMachineDefinition,
  storeMachineVersions,
} from './machine-versions.ts';

let test: TestDatabase;
let database: Database;

beforeAll(async () => {
  test = await createTestDatabase();
  database = await connectDatabase({ url: test.url, maxConnections: 4 });
});

afterAll(async () => {
  await database?.close();
  await test?.drop();
});

const definition = (machine: string, version: string, hash: string): MachineDefinition => ({
  machine,
  version,
  hash,
  // Space and order are part of what the hash is of.
  json: `{"id":"${machine}",  "b": "${hash}", "a": 1}`,
});

it('keeps what is new and leaves what it knows as it was', async () => {
  const { sql } = database;
  const first = [definition('task', '1', 'aa'), definition('node', '', 'bb')];
  expect(await storeMachineVersions(sql, first)).toBe(2);
  const before = await listMachineVersions(sql, null);
  const next = [definition('task', '2', 'cc'), ...first];
  expect(await storeMachineVersions(sql, next)).toBe(1);
  expect(await storeMachineVersions(sql, next)).toBe(0);
  const after = await listMachineVersions(sql, null);
  expect(after.map(({ machine, version, hash }) => [machine, version, hash])).toEqual([
    ['node', '', 'bb'],
    ['task', '2', 'cc'],
    ['task', '1', 'aa'],
  ]);
  expect(after).toEqual(expect.arrayContaining(before));
  expect(await listMachineVersions(sql, 'task')).toEqual(after.slice(1));
  expect(await listMachineVersions(sql, 'nothing')).toEqual([]);
});

it('gives back a definition as it was stored, to the letter', async () => {
  const stored = definition('kettle', '1', 'dd');
  await storeMachineVersions(database.sql, [stored]);
  expect(await readMachineDefinition(database.sql, 'kettle', 'dd')).toBe(stored.json);
  expect(await readMachineDefinition(database.sql, 'kettle', 'aa')).toBeNull();
});

it('takes the same definitions from many supervisors that start at once', async () => {
  const all = ['e1', 'e2', 'e3'].map((hash) => definition('pot', hash, hash));
  const starts = Array.from({ length: 8 }, (_, n) =>
    storeMachineVersions(database.sql, n % 2 === 0 ? all : all.toReversed()),
  );
  const stored = (await Promise.all(starts)).reduce((sum, count) => sum + count, 0);
  expect(stored).toBe(3);
});
