/**
 * The output of one attempt: what may be sent of its streams, and where the cap cuts them off.
 *
 * The process writes files itself; the agent only looks at their sizes and reads from offsets, so it may come late or come
 * again. The cut is committed to the journal before anything is sent of what was written beyond the cap, so that it is
 * the same after a restart (I5). A result is not output in the sense of the cap.
 */
import type { StreamBytes } from './attempt-record.ts';
import type { OutputSource, StreamName } from './output-source.ts';

export type { StreamName } from './output-source.ts';

export const STREAM_NAMES: readonly StreamName[] = ['stdout', 'stderr', 'result'];

export interface OutputOptions {
  readonly source: OutputSource;
  readonly capBytes: number;
  /** What the supervisor has already; it counts towards the cap. */
  readonly acked: StreamBytes;
  readonly cut: StreamBytes | null;
  /** Commits the cut. */
  readonly onCut: (cut: StreamBytes) => void;
}

export class AttemptOutput {
  readonly #options: OutputOptions;
  #written: StreamBytes & { readonly result: number };
  #cut: StreamBytes | null;

  constructor(options: OutputOptions) {
    this.#options = options;
    this.#written = { result: 0, ...options.acked };
    this.#cut = options.cut;
  }

  /** What holds the bytes. */
  get source(): OutputSource {
    return this.#options.source;
  }

  /** Looks how long the streams are now, and tells whether there is more than at the last look. */
  refresh(): boolean {
    const { source, capBytes, onCut } = this.#options;
    const before = this.#written;
    const stdout = Math.max(source.sizeOf('stdout'), before.stdout);
    const stderr = Math.max(source.sizeOf('stderr'), before.stderr);
    const result = Math.max(source.sizeOf('result'), before.result);
    if (stdout === before.stdout && stderr === before.stderr && result === before.result) {
      return false;
    }
    if (this.#cut === null && stdout + stderr > capBytes) {
      const cut = cutAt(capBytes, before, { stdout, stderr });
      onCut(cut);
      this.#cut = cut;
    }
    this.#written = { stdout, stderr, result };
    if (this.#cut !== null) {
      source.cut('stdout', this.#cut.stdout, stdout);
      source.cut('stderr', this.#cut.stderr, stderr);
    }
    return true;
  }

  /** How much of a stream may be sent, from its beginning. */
  sendableBytes(name: StreamName): number {
    const cut = name === 'result' ? undefined : this.#cut?.[name];
    return Math.min(this.#written[name], cut ?? Infinity);
  }

  /** Reads up to `maxBytes` from `offset`, never behind the cut. */
  read(name: StreamName, offset: number, maxBytes: number): Uint8Array {
    const length = Math.min(maxBytes, this.sendableBytes(name) - offset);
    if (length <= 0) return new Uint8Array();
    const bytes = Buffer.allocUnsafeSlow(length);
    const read = this.#options.source.read(name, offset, bytes);
    // Somebody has shortened the file: what is not there any more is not waited for.
    if (read === 0) this.#written = { ...this.#written, [name]: offset };
    return bytes.subarray(0, read);
  }

  /** What was written, and how much of it is dropped. */
  countBytes(): { stdoutBytes: number; stderrBytes: number; droppedBytes: number } {
    const { dropped } = this.#options.source;
    const stdoutBytes = this.#written.stdout + dropped.stdout;
    const stderrBytes = this.#written.stderr + dropped.stderr;
    const sendable = this.sendableBytes('stdout') + this.sendableBytes('stderr');
    return { stdoutBytes, stderrBytes, droppedBytes: stdoutBytes + stderrBytes - sendable };
  }

  /** Everything up to here has been acknowledged. */
  discard(acked: Readonly<Record<StreamName, number>>): void {
    for (const name of STREAM_NAMES) this.#options.source.discard(name, acked[name]);
  }

  /** Closes the files. Reading opens them again. */
  close(): void {
    this.#options.source.close();
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
