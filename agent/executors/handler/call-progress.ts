/**
 * The progress of one call, inside of its thread: ten times a second at most, the last one never lost.
 */
import { Buffer } from 'node:buffer';
import { type FromCall, MAX_PROGRESS_BYTES } from './messages.ts';

const INTERVAL_MS = 100;

export class CallProgress {
  readonly #say: (said: FromCall) => void;
  #saidAt = -Infinity;
  #waiting: FromCall | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(say: (said: FromCall) => void) {
    this.#say = say;
  }

  /** @throws TypeError if the fraction is no number */
  tell(fraction: number, message: string): void {
    if (typeof fraction !== 'number' || Number.isNaN(fraction)) {
      throw new TypeError(`progress must be a number from 0 to 1, and it is ${String(fraction)}`);
    }
    const within = Math.min(Math.max(fraction, 0), 1);
    this.#waiting = { kind: 'progress', fraction: within, message: shorten(String(message)) };
    const waitMs = this.#saidAt + INTERVAL_MS - performance.now();
    if (waitMs <= 0) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), waitMs);
  }

  /** Tells what waits. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#waiting === null) return;
    this.#say(this.#waiting);
    this.#waiting = null;
    this.#saidAt = performance.now();
  }
}

/** Cuts a text between two characters, so that it has at most 500 bytes and no control character. */
function shorten(text: string): string {
  let shown = text
    .toWellFormed()
    .slice(0, MAX_PROGRESS_BYTES)
    .replace(/\p{Cc}+/gu, ' ');
  while (Buffer.byteLength(shown) > MAX_PROGRESS_BYTES) shown = shown.slice(0, -1);
  return shown.toWellFormed();
}
