/**
 * Where the output of an attempt is until it is acknowledged: files that its process writes, or the memory of the agent.
 *
 * Made by the executors, read through AttemptOutput. What is in memory dies with the agent, as do the calls that it comes from.
 */
import type { Buffer } from 'node:buffer';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { type OutputTrimmer, TRIM_STEP_BYTES } from './output-trimmer.ts';

export type StreamName = 'stdout' | 'stderr' | 'result';

/** The streams of processes; only handlers have a result. */
type FileName = 'stdout' | 'stderr';

export interface OutputSource {
  /** How long a stream is now. */
  sizeOf(name: StreamName): number;
  /** Fills `bytes` from `offset` and returns how many there were. */
  read(name: StreamName, offset: number, bytes: Uint8Array): number;
  /** Nothing before this offset will be read any more. */
  discard(name: StreamName, until: number): void;
  /** Nothing from `from` on will ever be read of a stream that has `until` bytes now. They count all the same. */
  cut(name: StreamName, from: number, until: number): void;
  /** What the source itself has dropped, beyond the sizes. */
  readonly dropped: Readonly<Record<FileName, number>>;
  /** Called when there is more; null for a source that must be looked at. */
  onGrown: (() => void) | null;
  /** Gives up what reading has opened; reading opens it again. */
  close(): void;
}

const NOTHING_DROPPED = { stdout: 0, stderr: 0 } as const;

/** The files `stdout` and `stderr` in the folder of an attempt. */
export class FileOutput implements OutputSource {
  readonly dropped = NOTHING_DROPPED;
  readonly onGrown = null;
  readonly #folder: string;
  readonly #files: Record<FileName, number | null> = { stdout: null, stderr: null };
  readonly #trimmer: Pick<OutputTrimmer, 'trim'> | null;
  readonly #trimmed: Record<FileName, number> = { stdout: 0, stderr: 0 };

  /** @param trimmer keeps what is cut off from filling the disk */
  constructor(folder: string, trimmer: Pick<OutputTrimmer, 'trim'> | null = null) {
    this.#folder = folder;
    this.#trimmer = trimmer;
  }

  sizeOf(name: StreamName): number {
    const file = this.#open(name);
    return file === null ? 0 : fstatSync(file).size;
  }

  read(name: StreamName, offset: number, bytes: Uint8Array): number {
    const file = this.#open(name);
    return file === null ? 0 : readSync(file, bytes, 0, bytes.length, offset);
  }

  /** Its files stay until the attempt is removed. */
  discard(): void {}

  cut(name: StreamName, from: number, until: number): void {
    if (name === 'result' || this.#trimmer === null) return;
    if (until - Math.max(from, this.#trimmed[name]) < TRIM_STEP_BYTES) return;
    this.#trimmed[name] = until;
    // From the cut on each time, which costs next to nothing: so one that failed is made up for.
    this.#trimmer.trim(join(this.#folder, name), from, until);
  }

  close(): void {
    for (const name of ['stdout', 'stderr'] as const) {
      const file = this.#files[name];
      if (file !== null) closeSync(file);
      this.#files[name] = null;
    }
  }

  #open(name: StreamName): number | null {
    if (name === 'result') return null;
    const opened = this.#files[name];
    if (opened !== null) return opened;
    try {
      const path = join(this.#folder, name);
      this.#files[name] = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    } catch (cause) {
      // Not written yet, or removed by somebody: nothing to send.
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    }
    return this.#files[name];
  }
}

/** A stream in memory: what is not acknowledged of it. */
interface Kept {
  pieces: Buffer[];
  start: number;
  end: number;
}

/** Output that the agent itself receives. Whoever appends bounds it. */
export class MemoryOutput implements OutputSource {
  onGrown: (() => void) | null = () => {};
  #dropped = { stdout: 0, stderr: 0 };
  readonly #streams: Record<StreamName, Kept> = {
    stdout: { pieces: [], start: 0, end: 0 },
    stderr: { pieces: [], start: 0, end: 0 },
    result: { pieces: [], start: 0, end: 0 },
  };

  get dropped(): Readonly<Record<FileName, number>> {
    return this.#dropped;
  }

  append(name: StreamName, content: Buffer): void {
    const kept = this.#streams[name];
    kept.pieces.push(content);
    kept.end += content.length;
    this.onGrown?.();
  }

  setDropped(stdout: number, stderr: number): void {
    this.#dropped = { stdout, stderr };
  }

  sizeOf(name: StreamName): number {
    return this.#streams[name].end;
  }

  read(name: StreamName, offset: number, bytes: Uint8Array): number {
    const { pieces, start } = this.#streams[name];
    let filled = 0;
    let pieceStart = start;
    for (const piece of pieces) {
      if (filled === bytes.length) break;
      const from = offset + filled - pieceStart;
      if (from < piece.length) {
        filled += piece.copy(bytes, filled, from, from + bytes.length - filled);
      }
      pieceStart += piece.length;
    }
    return filled;
  }

  discard(name: StreamName, until: number): void {
    const kept = this.#streams[name];
    let gone = 0;
    for (const piece of kept.pieces) {
      if (kept.start + piece.length > until) break;
      kept.start += piece.length;
      gone += 1;
    }
    if (gone > 0) kept.pieces.splice(0, gone);
  }

  /** Whoever appends keeps to the cap. */
  cut(): void {}

  close(): void {}
}
