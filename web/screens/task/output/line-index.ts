/**
 * The lines of an attempt's output, over pieces of two streams in the order in which they arrived.
 *
 * Bytes are kept as they came and decoded when a line is shown. A line stands where its first byte arrived; what comes later of it
 * makes it longer, and so numbers never change. Pieces that were seen already are cut off.
 */
import { Growing } from './growing.ts';
import { advanceSgr } from './sgr.ts';

export type LogStream = 'stdout' | 'stderr';

/** How far the output is looked at: all of it, or what there was at a time. */
export interface Extent {
  readonly lineCount: number;
  readonly ends: readonly [number, number];
}

export interface Line {
  /** From 1, over both streams. */
  readonly number: number;
  readonly stream: LogStream;
  readonly bytes: Uint8Array;
  /** The colours in force where it begins; see sgr.ts. */
  readonly state: string;
  /** Bytes of it that are left out. */
  readonly cutBytes: number;
}

const NEWLINE = 10;
const ESC = 27;
const NONE = new Uint8Array(0);

/** One stream: its pieces, and its line that has not ended. */
class StreamBytes {
  readonly starts = new Growing((length) => new Float64Array(length));
  readonly times = new Growing((length) => new Float64Array(length));
  readonly pieces: Uint8Array[] = [];
  readonly lines = new Growing((length) => new Uint32Array(length));
  end = 0;
  /** Index of the line that has not ended, or -1. */
  openLine = -1;
  hasOpenEscape = false;
  /** In force where the next line begins. */
  state = '';

  read(from: number, to: number): Uint8Array {
    if (to <= from) return NONE;
    let at = Math.max(this.starts.countUpTo(from) - 1, 0);
    const first = this.pieces[at];
    if (first === undefined) return NONE;
    const start = from - this.starts.at(at);
    if (start + (to - from) <= first.length) return first.subarray(start, start + (to - from));
    const all = new Uint8Array(to - from);
    for (; at < this.pieces.length && this.starts.at(at) < to; at += 1) {
      const begin = this.starts.at(at);
      const piece = this.pieces[at] ?? NONE;
      const part = piece.subarray(Math.max(from - begin, 0), Math.max(to - begin, 0));
      all.set(part, Math.max(begin - from, 0));
    }
    return all;
  }
}

export class LineIndex {
  readonly #streams = [new StreamBytes(), new StreamBytes()] as const;
  readonly #starts = new Growing((length) => new Float64Array(length));
  readonly #ends = new Growing((length) => new Float64Array(length));
  readonly #kinds = new Growing((length) => new Uint8Array(length));
  readonly #states = new Growing((length) => new Uint16Array(length));
  readonly #stateTexts: string[] = [''];
  readonly #stateIds = new Map<string, number>([['', 0]]);
  /** Of each arrival: the latest time so far, the lines after it, the ends after it, and its bytes. */
  readonly #arrivals = {
    times: new Growing((length) => new Float64Array(length)),
    lineCounts: new Growing((length) => new Uint32Array(length)),
    stdoutEnds: new Growing((length) => new Float64Array(length)),
    stderrEnds: new Growing((length) => new Float64Array(length)),
    pieces: [] as Uint8Array[],
  };

  get lineCount(): number {
    return this.#starts.length;
  }

  get extent(): Extent {
    return { lineCount: this.lineCount, ends: [this.#streams[0].end, this.#streams[1].end] };
  }

  /** Where a stream ends: what comes next begins there. */
  endOf(stream: LogStream): number {
    return this.#of(stream).end;
  }

  /** Adds a piece. `at`: ms since 1970. */
  append(stream: LogStream, offset: number, content: Uint8Array, at: number): void {
    const kind = stream === 'stdout' ? 0 : 1;
    const of = this.#streams[kind];
    const piece = content.subarray(Math.min(Math.max(of.end - offset, 0), content.length));
    if (piece.length === 0) return;
    const start = offset + content.length - piece.length;
    // What is missing in between was deleted: no line goes across it.
    if (start > of.end) of.openLine = -1;
    of.starts.push(start);
    of.times.push(at);
    of.pieces.push(piece);
    of.end = start + piece.length;
    this.#split(kind, start, piece);
    const { times, lineCounts, stdoutEnds, stderrEnds, pieces } = this.#arrivals;
    times.push(Math.max(at, times.at(times.length - 1)));
    lineCounts.push(this.lineCount);
    stdoutEnds.push(this.#streams[0].end);
    stderrEnds.push(this.#streams[1].end);
    pieces.push(piece);
  }

  /** What there was at a time, ms since 1970. */
  extentAt(until: number): Extent {
    const { times, lineCounts, stdoutEnds, stderrEnds } = this.#arrivals;
    const last = times.countUpTo(until) - 1;
    if (last < 0) return { lineCount: 0, ends: [0, 0] };
    return { lineCount: lineCounts.at(last), ends: [stdoutEnds.at(last), stderrEnds.at(last)] };
  }

  streamAt(index: number): LogStream {
    return this.#kinds.at(index) === 0 ? 'stdout' : 'stderr';
  }

  /** Tells whether more may come of a line. */
  isOpen(index: number): boolean {
    return this.#streams[this.#kinds.at(index) === 0 ? 0 : 1].openLine === index;
  }

  /** Returns a line, its first `maxBytes` at most. */
  lineAt(index: number, { ends }: Extent, maxBytes: number): Line {
    const kind = this.#kinds.at(index) === 0 ? 0 : 1;
    const start = this.#starts.at(index);
    const end = Math.min(this.#ends.at(index), ends[kind]);
    const shownEnd = Math.min(end, start + maxBytes);
    return {
      number: index + 1,
      stream: this.streamAt(index),
      bytes: this.#streams[kind].read(start, shownEnd),
      state: this.#stateTexts[this.#states.at(index)] ?? '',
      cutBytes: end - shownEnd,
    };
  }

  /** When a line began, ms since 1970. */
  timeAt(index: number): number {
    const of = this.#of(this.streamAt(index));
    return of.times.at(of.starts.countUpTo(this.#starts.at(index)) - 1);
  }

  /** The indexes of a stream's lines, ascending. */
  linesOf(stream: LogStream): Growing<Uint32Array<ArrayBuffer>> {
    return this.#of(stream).lines;
  }

  /** All bytes so far: of a stream, or of both as they arrived. */
  piecesOf(stream: LogStream | 'both'): readonly Uint8Array[] {
    return stream === 'both' ? this.#arrivals.pieces : this.#of(stream).pieces;
  }

  #of(stream: LogStream): StreamBytes {
    return this.#streams[stream === 'stdout' ? 0 : 1];
  }

  #split(kind: 0 | 1, start: number, piece: Uint8Array): void {
    const of = this.#streams[kind];
    let from = 0;
    let escape = piece.indexOf(ESC);
    while (from < piece.length) {
      if (of.openLine === -1) this.#open(kind, start + from);
      const line = of.openLine;
      const newline = piece.indexOf(NEWLINE, from);
      const end = newline === -1 ? piece.length : newline;
      this.#ends.set(line, start + end);
      if (escape !== -1 && escape < from) escape = piece.indexOf(ESC, from);
      if (escape !== -1 && escape < end) of.hasOpenEscape = true;
      if (newline === -1) return;
      if (of.hasOpenEscape) {
        of.state = advanceSgr(of.state, of.read(this.#starts.at(line), start + end));
        of.hasOpenEscape = false;
      }
      of.openLine = -1;
      from = newline + 1;
    }
  }

  #open(kind: 0 | 1, start: number): void {
    const of = this.#streams[kind];
    of.openLine = this.lineCount;
    of.lines.push(this.lineCount);
    this.#starts.push(start);
    this.#ends.push(start);
    this.#kinds.push(kind);
    this.#states.push(this.#stateId(of.state));
  }

  /** More states than there are numbers for are shown without colour. */
  #stateId(state: string): number {
    const found = this.#stateIds.get(state);
    if (found !== undefined) return found;
    const id = this.#stateTexts.length;
    if (id > 65_535) return 0;
    this.#stateTexts.push(state);
    this.#stateIds.set(state, id);
    return id;
  }
}
