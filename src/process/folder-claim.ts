// At most one live process owns a folder for a purpose: one `up`, one agent of a node. Called by the composition roots.
//
// The claim is an open exclusive SQLite transaction on `<folder>/<purpose>.claim`. It is a lock of the kernel, so it goes when the
// process goes, even by kill -9, and no pid has to be believed. The file itself stays empty and is never removed: removing it
// could take away a claim that another process has just made.

import { access, constants, mkdir, realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { readLivePid, writePidFile } from './pid-file.ts';

/** Why a folder could not be claimed: another live process has it, or nothing can be kept in it. */
export type FolderClaimErrorKind = 'claimed' | 'unusable';

/** A failed claim, in a sentence for people. */
export class FolderClaimError extends Error {
  readonly kind: FolderClaimErrorKind;
  readonly folder: string;
  /** The owner's pid, where it is known. */
  readonly ownerPid: number | undefined;

  constructor(
    kind: FolderClaimErrorKind,
    message: string,
    details: { folder: string; ownerPid?: number | undefined; cause?: unknown },
  ) {
    super(message, { cause: details.cause });
    this.name = 'FolderClaimError';
    this.kind = kind;
    this.folder = details.folder;
    this.ownerPid = details.ownerPid;
  }
}

/** A held claim. */
export interface FolderClaim {
  /** The claimed folder, absolute and free of links. */
  readonly folder: string;
  readonly purpose: string;
  /** Gives the folder free. Calling it again does nothing. */
  release(): Promise<void>;
}

/** Keeps open claims reachable: a collected DatabaseSync would close its file and so lose the lock. */
const held = new Set<DatabaseSync>();

/**
 * Claims `folder` for this process until release or its end, and writes its pid to `<folder>/<purpose>.pid`. A missing folder is
 * created with `mode` (default 0700); one that is there keeps its own.
 * @throws FolderClaimError `claimed` | `unusable`
 */
export async function claimFolder(
  folder: string,
  purpose: string,
  options: { mode?: number } = {},
): Promise<FolderClaim> {
  const path = await openFolder(resolve(folder), options.mode ?? 0o700);
  const database = await openClaim(path, purpose);
  held.add(database);
  const close = () => {
    held.delete(database);
    database.close();
  };
  const pidFile = await writePidFile(path, purpose).catch((cause: unknown) => {
    close();
    throw unusable(path, cause);
  });
  let isReleased = false;
  return {
    folder: path,
    purpose,
    async release() {
      if (!isReleased) {
        isReleased = true;
        // While the claim is still held, so that the file of the next owner is never removed.
        await pidFile.remove().finally(close);
      }
    },
  };
}

async function openFolder(path: string, mode: number): Promise<string> {
  try {
    await mkdir(path, { recursive: true, mode });
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
    return await realpath(path);
  } catch (cause) {
    throw unusable(path, cause);
  }
}

async function openClaim(folder: string, purpose: string): Promise<DatabaseSync> {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(join(folder, `${purpose}.claim`));
    database.exec('pragma busy_timeout = 0; begin exclusive');
    return database;
  } catch (cause) {
    database?.close();
    // Deno gives no errcode, so the text has to tell SQLITE_BUSY from the rest.
    if (!/locked|busy/i.test(String(cause))) {
      throw unusable(folder, cause);
    }
    const ownerPid = await readLivePid(folder, purpose);
    const owner =
      ownerPid === undefined ? 'another live process' : `the process with pid ${ownerPid}`;
    throw new FolderClaimError(
      'claimed',
      `Cannot use ${folder} for "${purpose}": ${owner} is using it for that already; stop that one first, or use another folder`,
      { folder, ownerPid, cause },
    );
  }
}

function unusable(folder: string, cause: unknown): FolderClaimError {
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  const reason = REASONS[code] ?? (cause instanceof Error ? cause.message : String(cause));
  return new FolderClaimError(
    'unusable',
    `Cannot use ${folder}: ${reason}; make the folder writable, or use another one`,
    { folder, cause },
  );
}

const REASONS: Record<string, string> = {
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of the path is not a folder',
  EEXIST: 'a file of that name is in the way',
};
