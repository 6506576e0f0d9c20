// Life and death of the embedded server, with real processes that are really killed.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readPidFile, signalProcess } from './postmaster.ts';
import { connect, kill, QUICK, Workshop } from './server-fixture.ts';
import { until } from './until.ts';

/** Debian's, where it is installed. */
const POSTGRES_15 = '/usr/lib/postgresql/15';

const workshop = new Workshop();
beforeAll(() => workshop.open());
afterEach(() => workshop.clear());
afterAll(() => workshop.close());

describe('the first start', () => {
  it('gives a database that is durable, ordered by code point and closed to everyone without the password', async () => {
    const folder = workshop.newFolder();
    // With none of the settings for tests: these are what users get.
    const { said } = await workshop.startInChild({ folder, settings: {} });
    const url = said.replace('ready ', '');
    const sql = connect(url);
    const [facts] = await sql`
      select current_database() as name, current_setting('fsync') as fsync, current_setting('listen_addresses') as listens,
             current_setting('unix_socket_directories') as sockets, current_setting('server_encoding') as encoding,
             current_setting('data_checksums') as checksums, lower('Ä') as lower`;
    expect(facts).toEqual({
      name: 'muster',
      fsync: 'on',
      listens: '127.0.0.1',
      sockets: '',
      encoding: 'UTF8',
      checksums: 'on',
      lower: 'ä',
    });
    const sorted =
      await sql`select c from unnest(array['b', 'ä', 'A', '_', 'a', 'B']) as c order by c`;
    expect(sorted.map((row) => row['c'])).toEqual(['A', 'B', '_', 'a', 'b', 'ä']);
    await sql.end();

    const stranger = connect(url.replace(/:[^:@]*@/, ':wrong@'));
    await expect(stranger`select 1`).rejects.toMatchObject({ code: '28P01' });
    await stranger.end();
    expect((await stat(join(folder, 'password'))).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'data'))).mode & 0o777).toBe(0o700);
  });

  it.runIf(existsSync(POSTGRES_15))('works with the oldest supported version too', async () => {
    const folder = workshop.newFolder();
    const first = await workshop.start({ folder, binaries: POSTGRES_15 });
    expect(first.version).toMatch(/^15\.\d+$/);
    const sql = connect(first.url);
    const sorted =
      await sql`select c from unnest(array['b', 'ä', 'A', '_', 'a', 'B']) as c order by c`;
    expect(sorted.map((row) => row['c'])).toEqual(['A', 'B', '_', 'a', 'b', 'ä']);
    await sql.end();
    await first.stop();
    await expect(workshop.start({ folder })).rejects.toMatchObject({ kind: 'version_mismatch' });
    const second = await workshop.start({ folder, binaries: POSTGRES_15 });
    await second.stop();
  });

  it('leaves a folder from which the next start works when it is killed during initdb', async () => {
    const folder = workshop.newFolder();
    const child = workshop.spawnStarter({ folder });
    const hasBegun = async () =>
      (await readdir(folder).catch(() => [])).some((name) => name.startsWith('data.new-'));
    expect(await until(hasBegun, 20_000, 1)).toBe(true);
    await kill(child);
    expect(await readdir(folder)).not.toContain('data');

    const server = await workshop.start({ folder });
    expect(server.adopted).toBe(false);
    await server.stop();
  });
});

describe('every other start', () => {
  it('has the data of the former and the same URL', async () => {
    const folder = await workshop.newCluster();
    const first = await workshop.start({ folder });
    const before = connect(first.url);
    await before`create table things as select 42 as answer`;
    await before.end();
    await first.stop();
    expect(await first.exited).toEqual({ wasAsked: true, code: 0, signal: null });

    const second = await workshop.start({ folder });
    expect(second).toMatchObject({ url: first.url, adopted: false, folder, home: folder });
    const after = connect(second.url);
    expect(await after`select answer from things`).toEqual([{ answer: 42 }]);
    await after.end();
    await second.stop();
  });

  it('takes another port when the former one is taken', async () => {
    const folder = await workshop.newCluster();
    const port = Number(await readFile(join(folder, 'port'), 'utf8'));
    const occupant = createServer();
    await new Promise<void>((resolve) => occupant.listen(port, '127.0.0.1', resolve));
    const server = await workshop.start({ folder });
    expect(server.port).not.toBe(port);
    await server.stop();
    occupant.close();
  });

  it('is not kept back by a postmaster.pid whose pid was given to another process of that user', async () => {
    const folder = await workshop.newCluster();
    const data = join(folder, 'data');
    const { uid, gid } = await stat(data);
    const stranger = spawn('sleep', ['600'], { uid, gid, cwd: '/', stdio: 'ignore' });
    const pidFile = join(data, 'postmaster.pid');
    await writeFile(
      pidFile,
      `${stranger.pid}\n${data}\n1700000000\n5432\n\n127.0.0.1\n  5432001         0\nready   \n`,
      { mode: 0o600 },
    );
    await chown(pidFile, uid, gid);
    const server = await workshop.start({ folder });
    expect(server.adopted).toBe(false);
    await server.stop();
    expect(stranger.signalCode).toBeNull();
    await kill(stranger);
  });

  it('recovers what was committed before stop(immediate)', async () => {
    const folder = await workshop.newCluster();
    const first = await workshop.start({ folder, settings: { fsync: 'on' } });
    const before = connect(first.url);
    await before`create table things as select 42 as answer`;
    await first.stop('immediate');
    await before.end();
    const second = await workshop.start({ folder });
    const after = connect(second.url);
    expect(await after`select answer from things`).toEqual([{ answer: 42 }]);
    await after.end();
    await second.stop();
  });
});

describe('a server whose starter was killed', () => {
  it('is adopted with the same URL, and stops like any other', async () => {
    const folder = await workshop.newCluster();
    const { child, said } = await workshop.startInChild({ folder });
    await kill(child);
    const adopted = await workshop.start({ folder });
    expect(adopted).toMatchObject({ adopted: true, url: said.replace('ready ', '') });
    const sql = connect(adopted.url);
    expect(await sql`select 1 as one`).toEqual([{ one: 1 }]);
    await sql.end();
    await adopted.stop();
    expect(await adopted.exited).toEqual({ wasAsked: true, code: null, signal: null });
    expect(await readPidFile(join(folder, 'data'))).toBeUndefined();

    const next = await workshop.start({ folder });
    expect(next.adopted).toBe(false);
    await next.stop();
  });

  it('is reported as gone when it dies after it was adopted', async () => {
    const folder = await workshop.newCluster();
    const { child } = await workshop.startInChild({ folder });
    await kill(child);
    const adopted = await workshop.start({ folder });
    signalProcess(adopted.pid, 'SIGKILL');
    expect(await adopted.exited).toEqual({ wasAsked: false, code: null, signal: null });
    // The folder is free again, and stopping what is gone does nothing.
    await adopted.stop();
    const next = await workshop.start({ folder });
    expect(next.adopted).toBe(false);
    await next.stop();
  });

  it('is adopted, or started anew, whenever the starter was killed', async () => {
    const folder = await workshop.newCluster();
    // Killed at points spread over a whole start: before, while and after the postmaster appears.
    for (const hasComeTo of [
      async () => (await readdir(folder)).includes('server.claim'),
      async () => (await readFile(join(folder, 'server.log'), 'utf8')).length > 0,
      async () => (await readPidFile(join(folder, 'data'))) !== undefined,
      async () => (await readPidFile(join(folder, 'data')))?.status === 'ready',
    ]) {
      await writeFile(join(folder, 'server.log'), '');
      const child = workshop.spawnStarter({ folder });
      expect(await until(hasComeTo, 20_000, 1)).toBe(true);
      await kill(child);
      const server = await workshop.start({ folder });
      const sql = connect(server.url);
      expect(await sql`select 1 as one`).toEqual([{ one: 1 }]);
      await sql.end();
      await server.stop();
    }
  });
});

describe('kill -9 of the postmaster', () => {
  it('is told by exited, and the next start waits for its orphans and recovers', async () => {
    const folder = await workshop.newCluster();
    const first = await workshop.start({ folder, settings: { fsync: 'on' } });
    const sql = connect(first.url);
    await sql`create table things as select 42 as answer`;
    await sql.end();
    // A backend that computes without a pause does not notice that its postmaster is gone.
    const busy = connect(first.url);
    const answer = busy
      .unsafe('do $$ begin loop null; end loop; end $$')
      .catch((cause: unknown) => cause);
    const observer = connect(first.url);
    const isBusy = async () =>
      (await observer`select 1 from pg_stat_activity where state = 'active' and query like 'do %'`)
        .length > 0;
    expect(await until(isBusy, 10_000)).toBe(true);
    await observer.end();

    signalProcess(first.pid, 'SIGKILL');
    expect(await first.exited).toEqual({ wasAsked: false, code: null, signal: 'SIGKILL' });
    const said: string[] = [];
    const second = await workshop.start({ folder, log: (line) => said.push(line) });
    expect(await answer).toBeInstanceOf(Error);
    if (process.platform === 'linux') {
      expect(said).toContainEqual(
        expect.stringMatching(
          /^Ending 1 PostgreSQL processes that outlived their postmaster: \d+$/,
        ),
      );
    }
    const after = connect(second.url);
    expect(await after`select answer from things`).toEqual([{ answer: 42 }]);
    await after.end();
    await busy.end({ timeout: 0 });
    await second.stop();
  });
});

describe('two processes on one folder', () => {
  it('refuses the second while the first lives, and does the first no harm', async () => {
    const folder = await workshop.newCluster();
    const { said } = await workshop.startInChild({ folder });
    await expect(workshop.start({ folder })).rejects.toMatchObject({
      name: 'PostgresServerError',
      kind: 'in_use',
      message: expect.stringContaining(
        `Cannot start PostgreSQL in ${folder}: another live process of Muster is using`,
      ),
    });
    const sql = connect(said.replace('ready ', ''));
    expect(await sql`select 1 as one`).toEqual([{ one: 1 }]);
    await sql.end();
  });

  it('lets one of several first starts at once win', async () => {
    const folder = workshop.newFolder();
    const answers = await Promise.all(
      [1, 2, 3].map(() => workshop.startInChild({ folder, settings: QUICK })),
    );
    const winners = answers.filter(({ said }) => said.startsWith('ready '));
    const losers = answers.filter(({ said }) => said.startsWith('in_use: '));
    expect([winners.length, losers.length]).toEqual([1, 2]);
  });
});

describe('stop', () => {
  it('may be called twice and with impatience', async () => {
    const folder = await workshop.newCluster();
    const server = await workshop.start({ folder });
    await Promise.all([server.stop(), server.stop('immediate'), server.stop()]);
    await server.stop();
    expect(await readPidFile(join(folder, 'data'))).toBeUndefined();
  });
});
