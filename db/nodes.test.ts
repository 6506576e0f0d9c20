// Sessions of nodes: each one has a higher epoch, and what belongs to an older one changes nothing (I6).

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../test/database.ts';
import type { TestDatabase } from '../test/database.ts';
import { connectDatabase } from './connect.ts';
import type { Database } from './connect.ts';
import {
  closeNodeSession,
  listNodeIds,
  listNodes,
  openNodeSession,
  readNodes,
  touchNodes,
} from './nodes.ts';
import { MAX_SERVER_LABELS, updateNodeLabels } from './node-labels.ts';
import type { LivenessRule } from './nodes.ts';
import type { NodeRecord } from './records.ts';
import { dispatch, exit, start, storeTask } from './task-fixture.ts';

let test: TestDatabase;
let database: Database;

beforeAll(async () => {
  test = await createTestDatabase();
  database = await connectDatabase({ url: test.url });
});

afterAll(async () => {
  await database?.close();
  await test?.drop();
});

const DEAD_AFTER_MS = 15_000;

const RULE = { deadAfterMs: DEAD_AFTER_MS, own: null };

const open = (
  nodeId: string,
  supervisorId = 's1',
  labels: Record<string, string> = {},
  bootId = 'b1',
  rule: LivenessRule = RULE,
) =>
  openNodeSession(
    database.sql,
    { nodeId, bootId, labels, facts: { os: 'linux', hostname: 'h1' }, slots: 8, supervisorId },
    rule,
  );

const silence = (nodeId: string, seconds: number) =>
  database.sql`update nodes set seen_at = now() - make_interval(secs => ${seconds}) where id = ${nodeId}`;

async function read(nodeId: string): Promise<NodeRecord> {
  const [node] = await readNodes(database.sql, [nodeId], DEAD_AFTER_MS);
  if (node === undefined) throw new Error(`no node ${nodeId}`);
  return node;
}

describe('sessions', () => {
  it('rise by one epoch each and tell who had the one before', async () => {
    expect(await open('a', 's1')).toMatchObject({ epoch: 1, previousSupervisorId: null });
    expect(await open('a', 's2')).toMatchObject({ epoch: 2, previousSupervisorId: 's1' });
    const node = await read('a');
    expect(node).toMatchObject({
      id: 'a',
      epoch: 2,
      bootId: 'b1',
      labels: {},
      facts: { os: 'linux', hostname: 'h1' },
      slots: 8,
      supervisorId: 's2',
      leftAt: null,
      isAlive: true,
      active: 0,
    });
    expect(node.connectedAt).toBe(node.seenAt);
  });

  it('have different epochs when many open at once (I6)', async () => {
    const opened = await Promise.all(Array.from({ length: 8 }, () => open('many')));
    const epochs = opened.map(({ epoch }) => epoch).sort((a, b) => a - b);
    expect(epochs).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('are not opened by another boot while one is alive, and tell who holds the node (I6)', async () => {
    await open('held');
    await silence('held', 14);
    const refused = await open('held', 's2', { role: 'other' }, 'b2');
    expect(refused).toMatchObject({ epoch: 0, holder: { hostname: 'h1' } });
    expect(refused.holder?.silentMs).toBeGreaterThanOrEqual(14_000);
    expect(await read('held')).toMatchObject({
      epoch: 1,
      bootId: 'b1',
      supervisorId: 's1',
      labels: {},
    });
    // The same boot is the same agent.
    expect(await open('held', 's2')).toMatchObject({ epoch: 2 });
  });

  it.each([
    ['is silent', () => silence('gone', 16)],
    ['was closed', () => closeNodeSession(database.sql, 'gone', 1, false)],
    ['was left', () => closeNodeSession(database.sql, 'gone', 1, true)],
  ])('are opened by another boot at once when the former one %s', async (_, end) => {
    await database.sql`delete from nodes where id = 'gone'`;
    await open('gone');
    await end();
    const opened = await open('gone', 's2', {}, 'b2');
    expect(opened).toMatchObject({ epoch: 2, previousSupervisorId: 's1' });
    expect(await open('gone', 's1', {}, 'b1')).toMatchObject({ epoch: 0 });
  });

  it('are as alive as the supervisor that holds them says, whatever is written down', async () => {
    await open('own');
    const rule = (epoch: number, isHeard: boolean) => ({ ...RULE, own: { epoch, isHeard } });
    await silence('own', 60);
    expect(await open('own', 's1', {}, 'b2', rule(1, true))).toMatchObject({ epoch: 0 });
    await silence('own', 1);
    // What it knows is of a session that is over.
    expect(await open('own', 's1', {}, 'b2', rule(7, false))).toMatchObject({ epoch: 0 });
    expect(await open('own', 's1', {}, 'b2', rule(1, false))).toMatchObject({ epoch: 2 });
  });

  it('are opened by one of many boots at once, which keeps the node (I6)', async () => {
    const opened = await Promise.all(
      Array.from({ length: 8 }, (_, index) => open('fought', 's1', {}, `b${index}`)),
    );
    expect(opened.filter(({ holder }) => holder === null)).toMatchObject([{ epoch: 1 }]);
  });

  it('give a sign of life only while they are the last one (I6)', async () => {
    await open('b');
    await open('b');
    await open('c');
    for (const id of ['b', 'c']) await silence(id, 60);
    const held = await touchNodes(database.sql, [
      { nodeId: 'b', epoch: 1 },
      { nodeId: 'c', epoch: 1 },
      { nodeId: 'unknown', epoch: 1 },
    ]);
    expect(held).toEqual(new Set(['c']));
    expect((await read('b')).isAlive).toBe(false);
    expect((await read('c')).isAlive).toBe(true);
    expect(await touchNodes(database.sql, [])).toEqual(new Set());
  });

  it('are closed only while they are the last one (I6)', async () => {
    await open('d');
    await open('d');
    await closeNodeSession(database.sql, 'd', 1, true);
    expect(await read('d')).toMatchObject({ leftAt: null, connectedAt: expect.any(Number) });
    await closeNodeSession(database.sql, 'd', 2, false);
    expect(await read('d')).toMatchObject({ leftAt: null, connectedAt: null, supervisorId: 's1' });
    await open('d');
    await closeNodeSession(database.sql, 'd', 3, true);
    expect(await read('d')).toMatchObject({ leftAt: expect.any(Number), connectedAt: null });
    await open('d');
    expect(await read('d')).toMatchObject({ leftAt: null, epoch: 4 });
  });
});

describe('lists', () => {
  it('count the attempts that are assigned to a node', async () => {
    const { sql } = database;
    await open('busy');
    await storeTask(sql, { nodeId: 'busy' });
    await storeTask(sql, { nodeId: null }, dispatch('busy'));
    await storeTask(sql, { nodeId: 'busy' }, dispatch('busy'), start());
    await storeTask(sql, { nodeId: 'busy' }, dispatch('busy'), start(), exit());
    expect((await read('busy')).active).toBe(2);
  });

  it('find nodes by label and state, in pages in the order of ids', async () => {
    const { sql } = database;
    await sql`delete from nodes`;
    for (const id of ['n1', 'n2', 'n3', 'n4', 'N5']) {
      await open(id, 's1', { zone: id < 'n3' ? 'east' : 'west', os: 'linux' });
    }
    await silence('n2', 20);
    await closeNodeSession(sql, 'n4', 1, true);
    const list = async (
      filter: Parameters<typeof listNodes>[1],
      limit = 10,
      after: string | null = null,
    ) =>
      (await listNodes(sql, filter, limit, after, DEAD_AFTER_MS)).map((node) => node.id).join(' ');
    const all = (await list({})).split(' ');
    expect(all.toSorted()).toEqual(['N5', 'n1', 'n2', 'n3', 'n4']);
    expect(await list({}, 2)).toBe(all.slice(0, 2).join(' '));
    expect(await list({}, 2, all[1] as string)).toBe(all.slice(2, 4).join(' '));
    expect(await list({}, 2, all[4] as string)).toBe('');
    expect(await list({ labels: { zone: 'west', os: 'linux' } })).toBe('n3 n4');
    expect(await list({ labels: { zone: 'west', os: 'bsd' } })).toBe('');
    expect(await list({ states: ['unreachable'] })).toBe('n2');
    expect(await list({ states: ['offline'], labels: { zone: 'west' } })).toBe('n4');
    expect((await list({ states: ['online', 'offline'] })).split(' ').toSorted()).toEqual([
      'N5',
      'n1',
      'n3',
      'n4',
    ]);
    await sql`
      insert into node_actors
      select id, 1, 1, state, '{}', null, now()
      from (values ('n1', 'drained'), ('n2', 'draining'), ('n3', 'active')) as a (id, state)`;
    expect(await list({ drainStates: ['drained', 'draining'] })).toBe('n1 n2');
    expect(await list({ drainStates: ['active'], labels: { zone: 'west' } })).toBe('n3 n4');
    expect(await list({ drainStates: ['drained', 'draining'], states: ['online'] })).toBe('n1');
    expect(await list({ drainStates: ['stopping'] })).toBe('');
    expect((await listNodeIds(sql, ['n1', 'x', 'n4'])).sort()).toEqual(['n1', 'n4']);
  });
});

describe('labels of the server', () => {
  const update = (nodeId: string, set: Record<string, string>, remove: string[] = []) =>
    updateNodeLabels(database.sql, nodeId, { set, remove });

  it('win over those of the agent, survive its reconnects, and uncover what they covered', async () => {
    await open('labelled', 's1', { zone: 'east', os: 'linux' });
    expect(await update('labelled', { zone: 'west', role: 'web' })).toBe(true);
    const merged = { zone: 'west', os: 'linux', role: 'web' };
    const given = { zone: 'west', role: 'web' };
    expect(await read('labelled')).toMatchObject({ labels: merged, serverLabels: given });
    await open('labelled', 's1', { zone: 'north', disk: 'ssd' });
    const after = await read('labelled');
    expect(after.labels).toEqual({ zone: 'west', role: 'web', disk: 'ssd' });
    expect(after.serverLabels).toEqual(given);
    expect(await update('labelled', {}, ['zone', 'never'])).toBe(true);
    const removed = await read('labelled');
    expect(removed.labels).toEqual({ zone: 'north', role: 'web', disk: 'ssd' });
    expect(removed.serverLabels).toEqual({ role: 'web' });
  });

  it('are found by the filter of lists', async () => {
    await open('found', 's1', { tier: 'old' });
    await update('found', { tier: 'gold' });
    const list = (tier: string) =>
      listNodes(database.sql, { labels: { tier } }, 10, null, DEAD_AFTER_MS);
    expect((await list('gold')).map(({ id }) => id)).toEqual(['found']);
    expect(await list('old')).toEqual([]);
  });

  it('lose no change of many made at once', async () => {
    await open('raced');
    const keys = Array.from({ length: 16 }, (_, index) => `k${index}`);
    await Promise.all(keys.map((key) => update('raced', { [key]: 'v' })));
    expect(Object.keys((await read('raced')).labels).toSorted()).toEqual(keys.toSorted());
  });

  it('are bounded, and only a known node has them', async () => {
    await open('full');
    const keys = Array.from({ length: MAX_SERVER_LABELS }, (_, index) => `k${index}`);
    expect(await update('full', Object.fromEntries(keys.map((key) => [key, ''])))).toBe(true);
    expect(await update('full', { more: '' })).toBe(false);
    expect((await read('full')).labels).not.toHaveProperty('more');
    expect(await update('full', { more: '' }, ['k0'])).toBe(true);
    expect(await update('nobody', { a: 'b' })).toBe(false);
  });
});
