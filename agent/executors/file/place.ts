/**
 * The place of a file: its folder, opened once, after all symbolic links on the way were resolved and the fence was checked.
 *
 * On Linux everything goes through the opened folder (/proc/self/fd), so that a link that is put in the way later leads nobody
 * outside the fence. What is left: whoever may rename folders can move the opened one elsewhere, and elsewhere than on Linux
 * paths are looked up anew in each step. The file itself is never reached through a link.
 */
import {
  closeSync,
  constants,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  realpathSync,
  type Stats,
} from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { codeOf, FileFailure } from './failure.ts';

const FOLDER_FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const NEW_FOLDER_MODE = 0o755;

export interface Fence {
  readonly nodeId: string;
  /** Folders that files may be in, with all below them; empty for everywhere. */
  readonly allowedPaths: readonly string[];
}

/** A folder that stays the same one, whatever becomes of its path. */
export class Place {
  /** Of the file in the folder. */
  readonly name: string;
  readonly #fd: number;
  readonly #real: string;
  readonly #isPinned: boolean;

  private constructor(fd: number, real: string, name: string) {
    this.#fd = fd;
    this.#real = real;
    this.name = name;
    this.#isPinned = isPinned(fd, real);
  }

  /**
   * Opens the place of a file.
   *
   * @param isCreating makes the folders that are missing
   * @throws FileFailure outside the fence; the system's error if there is no such folder
   */
  static open(path: string, fence: Fence, isCreating = false): Place {
    const { real, missing } = resolveFolder(dirname(path), isCreating);
    checkFence(path, join(real, ...missing, basename(path)), fence);
    let place = new Place(openSync(real, FOLDER_FLAGS), real, basename(path));
    for (const folder of missing) {
      const outer = place;
      try {
        place = outer.#make(folder);
      } finally {
        outer.close();
      }
    }
    return place;
  }

  /** The path by which a file of the folder is reached. */
  at(name: string = this.name): string {
    return this.#isPinned ? `/proc/self/fd/${this.#fd}/${name}` : join(this.#real, name);
  }

  /** The path of the folder itself, to be listed. */
  get folder(): string {
    return this.#isPinned ? `/proc/self/fd/${this.#fd}` : this.#real;
  }

  /** What is there under the name of the file; null for nothing. A link is not followed. */
  look(): Stats | null {
    return lstatSync(this.at(), { throwIfNoEntry: false }) ?? null;
  }

  /** Makes what was renamed, made and removed in the folder outlive a crash of the host. */
  sync(): void {
    try {
      fsyncSync(this.#fd);
    } catch (cause) {
      // Some network file systems know no such thing for folders.
      if (!['EINVAL', 'ENOTSUP'].includes(codeOf(cause) ?? '')) throw cause;
    }
  }

  close(): void {
    closeSync(this.#fd);
  }

  #make(folder: string): Place {
    try {
      mkdirSync(this.at(folder), { mode: NEW_FOLDER_MODE });
      this.sync();
    } catch (cause) {
      // Somebody else was first: a folder will do, a link will not.
      if (codeOf(cause) !== 'EEXIST') throw cause;
    }
    return new Place(openSync(this.at(folder), FOLDER_FLAGS), join(this.#real, folder), this.name);
  }
}

/** The real path of the nearest folder there is, and the names of those that are missing below it. */
function resolveFolder(
  folder: string,
  isCreating: boolean,
): { real: string; missing: readonly string[] } {
  for (let at = folder; ; at = dirname(at)) {
    try {
      const missing = relative(at, folder).split(sep);
      return { real: realpathSync(at), missing: missing.filter((name) => name !== '') };
    } catch (cause) {
      if (codeOf(cause) !== 'ENOENT' || at === '/') throw cause;
      if (isCreating) continue;
      throw new FileFailure(`there is no folder ${folder}`, { cause });
    }
  }
}

function checkFence(path: string, real: string, { nodeId, allowedPaths }: Fence): void {
  if (allowedPaths.length === 0) return;
  if (allowedPaths.map(realOf).some((allowed) => isBelow(real, allowed))) return;
  const led = real === path ? '' : `it leads to ${real}, and `;
  throw new FileFailure(`${led}node ${nodeId} allows files only in ${allowedPaths.join(', ')}`);
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
}

function realOf(folder: string): string {
  try {
    return realpathSync(folder);
  } catch (cause) {
    // One that is not there yet is taken as it stands.
    if (codeOf(cause) === 'ENOENT') return folder;
    throw cause;
  }
}

/**
 * Tells whether the opened folder can be reached by its number, as on Linux.
 *
 * @throws FileFailure if it is another one than was checked
 */
function isPinned(fd: number, real: string): boolean {
  let opened: string;
  try {
    opened = readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return false;
  }
  if (opened === real) return true;
  closeSync(fd);
  throw new FileFailure(`the folder ${real} was replaced while it was being opened`);
}
