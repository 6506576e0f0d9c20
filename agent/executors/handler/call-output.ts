/**
 * The output of one call, inside of its thread: pieces go to the agent as they are written, up to the cap.
 *
 * A few pieces go at once, so that what a handler says before it loops for ever is seen; a flood is gathered into large pieces,
 * so that it costs the agent little. What is over the cap never leaves the thread: only its count does.
 */
import { Buffer } from 'node:buffer';
import type { FromCall, OutputName } from './messages.ts';

/** This many pieces in so much time go out one by one … */
const WINDOW_MS = 50;
const WINDOW_PIECES = 32;
/** … and what comes after them in pieces of this size. */
const PIECE_CHARACTERS = 32 * 1024;

export class CallOutput {
  readonly #say: (said: FromCall) => void;
  #leftBytes: number;
  readonly #dropped = { stdout: 0, stderr: 0 };
  /** The count of dropped bytes that is told next. */
  #tellAt = 1;
  #windowStart = 0;
  #windowPieces = 0;
  #gathered = '';
  #gatheredOf: OutputName = 'stdout';
  #timer: NodeJS.Timeout | null = null;

  constructor(capBytes: number, say: (said: FromCall) => void) {
    this.#leftBytes = capBytes;
    this.#say = say;
  }

  write(stream: OutputName, content: string | Uint8Array): void {
    const bytes = typeof content === 'string' ? Buffer.byteLength(content) : content.byteLength;
    if (bytes === 0) return;
    if (bytes > this.#leftBytes) {
      this.#cut(stream, Buffer.from(content as string), bytes);
      return;
    }
    this.#leftBytes -= bytes;
    if (typeof content === 'string') this.#writeText(stream, content);
    else this.#writeBytes(stream, Uint8Array.from(content));
  }

  /** Hands on what is gathered, and how much was dropped in all. */
  end(): void {
    this.#flush();
    this.#tellDropped();
  }

  #writeText(stream: OutputName, text: string): void {
    const now = performance.now();
    if (now - this.#windowStart >= WINDOW_MS) {
      this.#windowStart = now;
      this.#windowPieces = 0;
      this.#flush();
    }
    this.#windowPieces += 1;
    if (this.#windowPieces <= WINDOW_PIECES && this.#gathered === '') {
      this.#say({ kind: 'output', stream, content: text });
      return;
    }
    if (this.#gatheredOf !== stream) this.#flush();
    this.#gatheredOf = stream;
    this.#gathered += text;
    if (this.#gathered.length >= PIECE_CHARACTERS) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), WINDOW_MS);
  }

  #writeBytes(stream: OutputName, content: Uint8Array): void {
    this.#flush();
    this.#say({ kind: 'output', stream, content });
  }

  /** The piece that reaches the cap: its beginning is kept, and everything behind it is dropped, however short. */
  #cut(stream: OutputName, content: Uint8Array, bytes: number): void {
    const kept = this.#leftBytes;
    this.#leftBytes = 0;
    if (kept > 0) this.#writeBytes(stream, Uint8Array.from(content.subarray(0, kept)));
    this.#dropped[stream] += bytes - kept;
    // Told now and then: the thread may be terminated before the end.
    if (this.#dropped.stdout + this.#dropped.stderr >= this.#tellAt) this.#tellDropped();
  }

  #tellDropped(): void {
    const { stdout, stderr } = this.#dropped;
    if (stdout + stderr === 0) return;
    this.#tellAt = 2 * (stdout + stderr);
    this.#say({ kind: 'dropped', stdout, stderr });
  }

  #flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const content = this.#gathered;
    if (content === '') return;
    this.#gathered = '';
    this.#say({ kind: 'output', stream: this.#gatheredOf, content });
  }
}
