// Decides in which folder the data of a server really is. Called by server.ts, which holds the claim on `folder`.
//
// Normally it is `folder` itself. When Muster runs as root, PostgreSQL runs as another user, and that user often cannot enter
// the folder: a clone in /root, a mktemp folder with mode 0700. Then the data goes below /var/lib/muster, and `folder` keeps a
// file `location` that names the place. No folder that Muster did not create itself ever gets another mode or owner.
//
//   folder/server.claim    who uses it (claim.ts)         home/data        the cluster, mode 0700
//   folder/location        only when home is elsewhere    home/password    mode 0600
//   home/server.log        what PostgreSQL wrote          home/port        the port of the last start

import { randomBytes } from 'node:crypto';
import {
  access,
  chmod,
  chown,
  constants,
  mkdir,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
} from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { PostgresServerError, reasonOf } from './error.ts';
import { run, type ServerUser } from './run.ts';
import { chooseServerUser } from './user.ts';

/** Where one server keeps its files, and as whom it runs. All paths are absolute and free of links. */
export interface Place {
  /** The folder the caller named. */
  readonly folder: string;
  /** The folder that holds data, password and log: `folder`, or one below /var/lib/muster. */
  readonly home: string;
  readonly data: string;
  readonly user: ServerUser;
  /** False until initialise has put a cluster there. */
  readonly isInitialised: boolean;
}

/**
 * Creates `folder` if it is missing (with its parents) and gives its real path. As root it is created so that others may pass
 * through it, which PostgreSQL's user has to; everything in it that is secret has its own mode.
 * @throws PostgresServerError `folder_unusable`
 */
export async function openFolder(folder: string): Promise<string> {
  const path = resolve(folder);
  try {
    const mode = process.getuid?.() === 0 ? 0o711 : 0o700;
    const created = await mkdir(path, { recursive: true, mode });
    if (created !== undefined) {
      // The umask may have taken away what was just asked for.
      await chmod(path, mode);
    }
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
    return await realpath(path);
  } catch (cause) {
    throw new PostgresServerError(
      'folder_unusable',
      `Cannot keep a database in ${path}: ${reasonOf(cause)}; make the folder writable, or use another one`,
      { cause },
    );
  }
}

/**
 * Finds the place of the data of `folder`, or chooses one for data to come. `fallback` is the folder below which data goes
 * that cannot stay in `folder`.
 * @throws PostgresServerError `folder_unusable` | `data_missing` | `no_user`
 */
export async function findPlace(folder: string, fallback: string): Promise<Place> {
  const pointed = await readFile(join(folder, 'location'), 'utf8').catch(() => undefined);
  const home = pointed?.trim() || folder;
  const data = join(home, 'data');
  const user = await chooseServerUser(data);
  if (await isCluster(data)) {
    // Operators put data on another disk and leave a link.
    const real = await realpath(data);
    await requireUsable(folder, real, user);
    return { folder, home, data: real, user, isInitialised: true };
  }
  if (home !== folder) {
    throw new PostgresServerError(
      'data_missing',
      `Cannot start PostgreSQL in ${folder}: its data was put into ${home} and is not there any more; ` +
        `restore it, or delete ${join(folder, 'location')} to start with an empty database`,
    );
  }
  if ((await readdir(data).catch(() => [])).length > 0) {
    throw new PostgresServerError(
      'folder_unusable',
      `Cannot keep a database in ${folder}: ${data} holds something that is no PostgreSQL data; move it away, or use another folder`,
    );
  }
  if (await canHost(folder, user)) {
    return { folder, home: folder, data, user, isInitialised: false };
  }
  return await chooseElsewhere(folder, fallback, user);
}

/** Creates an empty folder with mode 0700 that belongs to `user`. */
export async function makeFolderFor(user: ServerUser, path: string): Promise<void> {
  await mkdir(path, { mode: 0o700 });
  if (user.isSwitched) {
    await chown(path, user.uid, user.gid);
  }
}

/** Writes a small file completely or not at all, and durably. */
export async function writeDurably(
  path: string,
  text: string,
  options: { mode: number; owner?: ServerUser },
): Promise<void> {
  const fresh = `${path}.${randomBytes(4).toString('hex')}`;
  const file = await open(fresh, 'wx', options.mode);
  try {
    await file.writeFile(text);
    if (options.owner?.isSwitched === true) {
      await file.chown(options.owner.uid, options.owner.gid);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(fresh, path);
}

/** Creates `folder` for everyone to pass through, if it is missing. Its parents follow the umask. */
export async function openFallback(folder: string): Promise<void> {
  try {
    if ((await mkdir(folder, { recursive: true })) !== undefined) {
      await chmod(folder, 0o755);
    }
  } catch (cause) {
    throw new PostgresServerError(
      'folder_unusable',
      `Cannot create ${folder}, where PostgreSQL keeps what its user cannot reach elsewhere: ${reasonOf(cause)}; run Muster as an ordinary user, or in a folder that other users may enter`,
      { cause },
    );
  }
}

async function chooseElsewhere(folder: string, fallback: string, user: ServerUser): Promise<Place> {
  await openFallback(fallback);
  // A random name and no hash of the path: who deletes `folder` wants to start anew, not to meet the old data again.
  const home = join(await realpath(fallback), `data-${randomBytes(8).toString('hex')}`);
  await mkdir(home, { mode: 0o711 });
  await chmod(home, 0o711);
  if (!(await canHost(home, user))) {
    await rm(home, { recursive: true, force: true });
    throw new PostgresServerError(
      'folder_unusable',
      `Cannot keep a database for ${folder}: the user ${user.name}, as whom PostgreSQL runs, can enter neither it nor ${fallback}; ` +
        'make one of them searchable for others (chmod o+x)',
    );
  }
  return { folder, home, data: join(home, 'data'), user, isInitialised: false };
}

/** Tries whether data below `home` would be open to `user`. Only a try tells: modes are not all that decides. */
async function canHost(home: string, user: ServerUser): Promise<boolean> {
  if (!user.isSwitched) {
    return true;
  }
  const probe = join(home, `probe-${randomBytes(4).toString('hex')}`);
  try {
    await makeFolderFor(user, probe);
    return await canUse(probe, user);
  } catch {
    // A file system without owners, or one that does not let root change them.
    return false;
  } finally {
    await rm(probe, { recursive: true, force: true });
  }
}

async function requireUsable(folder: string, data: string, user: ServerUser): Promise<void> {
  if (!(await canUse(data, user))) {
    throw new PostgresServerError(
      'folder_unusable',
      `Cannot start PostgreSQL in ${folder}: the user ${user.name} cannot write to ${data}; ` +
        'give the folder back to that user and make the folders above it searchable for others (chmod o+x)',
    );
  }
}

async function canUse(path: string, user: ServerUser): Promise<boolean> {
  const script = 'cd -- "$1" && test -r . && test -w . && test -x .';
  return (await run('/bin/sh', ['-c', script, 'sh', path], { user })).code === 0;
}

async function isCluster(data: string): Promise<boolean> {
  try {
    await stat(join(data, 'PG_VERSION'));
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') {
      return false;
    }
    throw new PostgresServerError(
      'folder_unusable',
      `Cannot look into ${data}: ${reasonOf(cause)}; run Muster as the user who created it, or use another folder`,
      { cause },
    );
  }
}
