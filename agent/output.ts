/**
 * The output of one attempt on disk: what may be sent of the two files, and where the cap cuts them off.
 *
 * The process writes the files itself; the agent only looks at their sizes and reads from offsets, so it may come late or come
 * again. The cut is committed to the journal before anything is sent of what was written beyond the cap, so that it is
 * the same after a restart (I5).
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { StreamBytes } from './attempt-record.ts';

export type StreamName = 'stdout' | 'stderr';

export const STREAM_NAMES: readonly StreamName[] = ['stdout', 'stderr'];

export interface OutputOptions {
  /** Where the files `stdout` and `stderr` are, or will be. */
  readonly folder: string;
  readonly capBytes: number;
  /** What the supervisor has already; it counts towards the cap. */
  readonly acked: StreamBytes;
  readonly cut: StreamBytes | null;
  /** Commits the cut. */
  readonly onCut: (cut: StreamBytes) => void;
}

export class AttemptOutput {
  readonly #options: OutputOptions;
  readonly #files: Record<StreamName, number | null> = { stdout: null, stderr: null };
  #written: StreamBytes;
  #cut: StreamBytes | null;

  constructor(options: OutputOptions) {
    this.#options = options;
    this.#written = options.acked;
    this.#cut = options.cut;
  }

  /** Looks how long the files are now, and tells whether there is more than at the last look. */
  refresh(): boolean {
    const before = this.#written;
    const stdout = Math.max(this.#sizeOf('stdout'), before.stdout);
    const stderr = Math.max(this.#sizeOf('stderr'), before.stderr);
    if (stdout === before.stdout && stderr === before.stderr) return false;
    if (this.#cut === null && stdout + stderr > this.#options.capBytes) {
      const cut = cutAt(this.#options.capBytes, before, { stdout, stderr });
      this.#options.onCut(cut);
      this.#cut = cut;
    }
    this.#written = { stdout, stderr };
    return true;
  }

  /** How much of a stream may be sent, from its beginning. */
  sendableBytes(name: StreamName): number {
    return Math.min(this.#written[name], this.#cut?.[name] ?? Infinity);
  }

  /** Reads up to `maxBytes` from `offset`, never behind the cut. */
  read(name: StreamName, offset: number, maxBytes: number): Uint8Array {
    const length = Math.min(maxBytes, this.sendableBytes(name) - offset);
    if (length <= 0) return new Uint8Array();
    const file = this.#open(name);
    const bytes = Buffer.allocUnsafeSlow(length);
    const read = file === null ? 0 : readSync(file, bytes, 0, length, offset);
    // Somebody has shortened the file: what is not there any more is not waited for.
    if (read === 0) this.#written = { ...this.#written, [name]: offset };
    return bytes.subarray(0, read);
  }

  /** What the process has written, and how much of it lies behind the cut. */
  countBytes(): { stdoutBytes: number; stderrBytes: number; droppedBytes: number } {
    const { stdout, stderr } = this.#written;
    const sendable = this.sendableBytes('stdout') + this.sendableBytes('stderr');
    return { stdoutBytes: stdout, stderrBytes: stderr, droppedBytes: stdout + stderr - sendable };
  }

  /** Closes the files. Reading opens them again. */
  close(): void {
    for (const name of STREAM_NAMES) {
      const file = this.#files[name];
      if (file !== null) closeSync(file);
      this.#files[name] = null;
    }
  }

  #sizeOf(name: StreamName): number {
    const file = this.#open(name);
    return file === null ? 0 : fstatSync(file).size;
  }

  #open(name: StreamName): number | null {
    const opened = this.#files[name];
    if (opened !== null) return opened;
    try {
      const path = join(this.#options.folder, name);
      this.#files[name] = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    } catch (cause) {
      // Not written yet, or removed by somebody: nothing to send.
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    }
    return this.#files[name];
  }
}

/** What was there before stays whole; what came since shares the rest of the cap, stdout first. */
function cutAt(capBytes: number, before: StreamBytes, after: StreamBytes): StreamBytes {
  const rest = Math.max(capBytes - before.stdout - before.stderr, 0);
  const stdout = before.stdout + Math.min(rest, after.stdout - before.stdout);
  const left = rest - (stdout - before.stdout);
  const stderr = before.stderr + Math.min(left, after.stderr - before.stderr);
  return { stdout, stderr };
}
