// Databases as a whole, on a server of their own.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  closeDatabase,
  createDatabase,
  dropDatabase,
  listDatabases,
  withDatabase,
} from './databases.ts';
import { connect, Workshop } from './server-fixture.ts';

const workshop = new Workshop();
beforeAll(() => workshop.open());
afterEach(() => workshop.clear());
afterAll(() => workshop.close());

describe('databases of a server', () => {
  it('are copied from a template that is closed, and dropped under the hands of their users', async () => {
    const server = await workshop.start({ folder: await workshop.newCluster() });
    await createDatabase(server.url, 'pattern', 'template0');
    const maker = connect(withDatabase(server.url, 'pattern'));
    await maker`create table things as select 42 as answer`;
    await maker.end();
    await closeDatabase(server.url, 'pattern');
    const late = connect(withDatabase(server.url, 'pattern'));
    await expect(late`select 1`).rejects.toMatchObject({ code: '55000' });
    await late.end();

    await Promise.all(
      ['copy-1', 'copy-2'].map((name) => createDatabase(server.url, name, 'pattern')),
    );
    // What is there already is left as it is.
    await createDatabase(server.url, 'copy-1', 'template0');
    const user = connect(withDatabase(server.url, 'copy-1'));
    expect(await user`select answer from things`).toEqual([{ answer: 42 }]);
    expect(await listDatabases(server.url, 'copy-')).toEqual(['copy-1', 'copy-2']);

    await dropDatabase(server.url, 'copy-1');
    await dropDatabase(server.url, 'copy-1');
    expect(await listDatabases(server.url, 'copy-')).toEqual(['copy-2']);
    await user.end({ timeout: 0 });
    await server.stop();
  });
});
