// Decides as whom PostgreSQL runs: as the caller, or, when the caller is root, as a system user that is already there.
// PostgreSQL refuses uid 0. Muster never creates users: that would change the host for the sake of one folder.

import { stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { PostgresServerError } from './error.ts';
import { run, type ServerUser } from './run.ts';

/**
 * Names tried in this order when the caller is root: one made for Muster, PostgreSQL's own on Linux and on macOS, and last the
 * one that every system has.
 */
const CANDIDATES = ['muster', 'postgres', '_postgres', 'nobody'];

/**
 * Chooses the user for the cluster in `data`. Data that exists decides: its owner is the only user who can open it.
 * @throws PostgresServerError `no_user`
 */
export async function chooseServerUser(data: string): Promise<ServerUser> {
  const uid = process.getuid?.() ?? 0;
  const gid = process.getgid?.() ?? 0;
  if (uid !== 0) {
    return { name: ownName(uid), uid, gid, isSwitched: false };
  }
  const owner = await stat(data).catch(() => undefined);
  if (owner !== undefined && owner.uid !== 0) {
    return { name: await nameOf(owner.uid), uid: owner.uid, gid: owner.gid, isSwitched: true };
  }
  for (const name of CANDIDATES) {
    const user = await readUser(name);
    if (user !== undefined) {
      return user;
    }
  }
  throw new PostgresServerError(
    'no_user',
    `Cannot start PostgreSQL as root: it runs only as another user, and this system has none of ${CANDIDATES.join(', ')}; ` +
      'create one (useradd --system muster), or run Muster as an ordinary user',
  );
}

async function readUser(name: string): Promise<ServerUser | undefined> {
  const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])]);
  if (uid.code !== 0 || gid.code !== 0 || Number(uid.stdout) === 0) {
    return undefined;
  }
  return { name, uid: Number(uid.stdout), gid: Number(gid.stdout), isSwitched: true };
}

async function nameOf(uid: number): Promise<string> {
  const result = await run('id', ['-un', String(uid)]);
  return result.code === 0 ? result.stdout.trim() : String(uid);
}

function ownName(uid: number): string {
  try {
    return userInfo().username;
  } catch {
    // A uid without an entry in the user database, as containers have it.
    return String(uid);
  }
}
