/**
 * Finding lines: a little at a time, so that the page stays alive over any length, and on with what arrives.
 */
import { Growing } from './growing.ts';
import type { LineIndex, LogStream } from './line-index.ts';
import { plainLine } from './line-text.ts';

/** Bytes of a line that are looked at. */
const MAX_LINE_BYTES = 1024 * 1024;
/** Lines between two looks at the clock. */
const STRIDE = 200;

/**
 * Makes the pattern of a search: plain text without regard to case, or between slashes a regular expression. Null for nothing,
 * or for a pattern that is none.
 */
export function patternOf(text: string): RegExp | null {
  if (text === '') return null;
  const regular = /^\/(.+)\/(i?)$/.exec(text);
  if (regular === null) return new RegExp(text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'), 'gi');
  try {
    return new RegExp(regular[1] ?? '', `g${regular[2] ?? ''}`);
  } catch {
    // While it is typed, a pattern is often not one yet.
    return null;
  }
}

/** One search over an index that may grow. */
export class Search {
  /** Indexes of the lines found so far, ascending. */
  readonly found = new Growing((length) => new Uint32Array(length));
  readonly #index: LineIndex;
  readonly #pattern: RegExp;
  readonly #stream: LogStream | null;
  #next = 0;
  /** Lines that were looked at before they had ended, and did not match. */
  #unfinished: number[] = [];

  constructor(index: LineIndex, pattern: RegExp, stream: LogStream | null) {
    this.#index = index;
    this.#pattern = pattern;
    this.#stream = stream;
  }

  get isDone(): boolean {
    return this.#next >= this.#index.lineCount;
  }

  /** From 0 to 1. */
  get fraction(): number {
    return this.#index.lineCount === 0 ? 1 : this.#next / this.#index.lineCount;
  }

  /** Goes on while `hasTime` says so. */
  advance(hasTime: () => boolean): void {
    this.#lookAgain();
    do {
      const end = Math.min(this.#next + STRIDE, this.#index.lineCount);
      while (this.#next < end) this.#look(this.#next++);
    } while (!this.isDone && hasTime());
  }

  #look(line: number): void {
    if (this.#stream !== null && this.#index.streamAt(line) !== this.#stream) return;
    if (this.#matches(line)) this.found.push(line);
    else if (this.#index.isOpen(line)) this.#unfinished.push(line);
  }

  #lookAgain(): void {
    if (this.#unfinished.length === 0) return;
    this.#unfinished = this.#unfinished.filter((line) => {
      if (this.#matches(line)) {
        this.found.insert(this.found.countUpTo(line), line);
        return false;
      }
      return this.#index.isOpen(line);
    });
  }

  #matches(line: number): boolean {
    const { bytes } = this.#index.lineAt(line, this.#index.extent, MAX_LINE_BYTES);
    this.#pattern.lastIndex = 0;
    return this.#pattern.test(plainLine(bytes));
  }
}
