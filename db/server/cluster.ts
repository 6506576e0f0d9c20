// Makes the data of a server on its first start and checks it on every other one. Called by server.ts.
// `data` appears by one rename when it is complete, so an initialisation that was cut short leaves no half cluster behind.

import { randomBytes } from 'node:crypto';
import { open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Binaries } from './binaries.ts';
import { PostgresServerError, reasonOf } from './error.ts';
import { makeFolderFor, type Place, writeDurably } from './place.ts';
import { POSTGRES_ENVIRONMENT, run } from './run.ts';

/** The superuser of the cluster, and the name of Muster's database. */
export const DATABASE_NAME = 'muster';

/**
 * Creates the cluster of `place` with a random password. `isDurable` false leaves out flushing to the disk, for tests.
 * @throws PostgresServerError `start_failed` | `folder_unusable`
 */
export async function initialise(
  place: Place,
  binaries: Binaries,
  isDurable: boolean,
): Promise<void> {
  const fresh = join(place.home, `data.new-${randomBytes(4).toString('hex')}`);
  try {
    await removeLeftovers(place.home);
    await makeFolderFor(place.user, fresh);
    const passwordFile = join(place.home, 'password');
    await writeDurably(passwordFile, `${randomBytes(24).toString('base64url')}\n`, {
      mode: 0o600,
      owner: place.user,
    });
    const result = await run(
      binaries.initdb,
      initdbArguments(fresh, passwordFile, binaries.major, isDurable),
      {
        user: place.user,
        env: POSTGRES_ENVIRONMENT,
      },
    );
    if (result.code !== 0) {
      throw new PostgresServerError(
        'start_failed',
        `Cannot create a database in ${place.home}: initdb failed with "${result.stderr.trim().split('\n').join(' / ')}"`,
      );
    }
    await rename(fresh, place.data);
    await syncFolder(place.home);
    if (place.home !== place.folder) {
      // Last, so that a `location` always names a cluster that was once complete.
      await writeDurably(join(place.folder, 'location'), `${place.home}\n`, { mode: 0o644 });
    }
  } catch (cause) {
    await rm(fresh, { recursive: true, force: true });
    if (cause instanceof PostgresServerError) {
      throw cause;
    }
    throw new PostgresServerError(
      'folder_unusable',
      `Cannot keep a database in ${place.home}: ${reasonOf(cause)}`,
      { cause },
    );
  }
}

/**
 * Checks that the cluster fits the binaries.
 * @throws PostgresServerError `version_mismatch` | `folder_unusable`
 */
export async function checkVersion(place: Place, binaries: Binaries): Promise<void> {
  const version = await readFile(join(place.data, 'PG_VERSION'), 'utf8').catch((cause: unknown) => {
    throw new PostgresServerError(
      'folder_unusable',
      `Cannot read the database in ${place.home}: ${reasonOf(cause)}`,
      { cause },
    );
  });
  if (Number(version) !== binaries.major) {
    throw new PostgresServerError(
      'version_mismatch',
      `Cannot start PostgreSQL ${binaries.major} in ${place.folder}: its data was written by PostgreSQL ${version.trim()}; ` +
        `start the Muster that wrote it, or carry the data over with pg_dump of version ${version.trim()}`,
    );
  }
}

/**
 * Reads the superuser's password.
 * @throws PostgresServerError `folder_unusable`
 */
export async function readPassword(place: Place): Promise<string> {
  const path = join(place.home, 'password');
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (cause) {
    throw new PostgresServerError(
      'folder_unusable',
      `Cannot read the password of the database in ${path}: ${reasonOf(cause)}; run Muster as the user who created it`,
      { cause },
    );
  }
}

function initdbArguments(
  data: string,
  passwordFile: string,
  major: number,
  isDurable: boolean,
): string[] {
  return [
    `--pgdata=${data}`,
    `--username=${DATABASE_NAME}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // Strings are ordered by code point on every machine and in every version; since 17 upper and lower case know all of Unicode.
    '--locale=C',
    ...(major >= 17 ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8'] : []),
    '--data-checksums',
    '--no-instructions',
    ...(isDurable ? [] : ['--no-sync']),
  ];
}

/**
 * Removes what initialisations left that were killed. Their initdb may still be writing: each has a name of its own, so it can
 * harm nobody, and what it writes from now on is removed the next time.
 */
async function removeLeftovers(home: string): Promise<void> {
  for (const name of await readdir(home)) {
    if (name.startsWith('data.new-')) {
      await rm(join(home, name), { recursive: true, force: true }).catch(() => {});
    }
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
