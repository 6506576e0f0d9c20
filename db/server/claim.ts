// Lets one live process at a time start or own the server of a folder. Called by server.ts only.
// The claim is an open exclusive SQLite transaction: the kernel takes its lock back when the process ends, however it ends,
// and a PostgreSQL started meanwhile does not inherit it. (src/process/folder-claim.ts does the same for whole programs; db/
// may not import it.)

import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { PostgresServerError, reasonOf } from './error.ts';

/** A held claim. It lasts until released or until this process ends. */
export interface ServerClaim {
  release(): void;
}

/** Keeps open claims reachable: a collected DatabaseSync would close its file and so lose the lock. */
const held = new Set<DatabaseSync>();

/**
 * Claims the existing folder `folder` for this process.
 * @throws PostgresServerError `in_use` when another process, or this one, holds it; `folder_unusable`
 */
export function claimServerFolder(folder: string): ServerClaim {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(join(folder, 'server.claim'));
    database.exec('pragma busy_timeout = 0; begin exclusive');
  } catch (cause) {
    database?.close();
    // Deno gives no errcode, so the text has to tell SQLITE_BUSY from the rest.
    if (/locked|busy/i.test(String(cause))) {
      throw new PostgresServerError(
        'in_use',
        `Cannot start PostgreSQL in ${folder}: another live process of Muster is using this folder; stop that one first, or use another folder`,
        { cause },
      );
    }
    throw new PostgresServerError(
      'folder_unusable',
      `Cannot keep a database in ${folder}: ${reasonOf(cause)}; give ${userPhrase()} write access to it, or use another folder`,
      { cause },
    );
  }
  const claimed = database;
  held.add(claimed);
  return {
    release() {
      if (held.delete(claimed)) {
        // The file stays: unlinking it could take away a claim that another process has just made.
        claimed.close();
      }
    },
  };
}

function userPhrase(): string {
  return `uid ${process.getuid?.() ?? 'of this program'}`;
}
