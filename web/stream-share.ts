/**
 * Which tabs of this browser have a stream. Over HTTP/1.1 a browser opens six connections to a supervisor, for all its tabs together,
 * and a stream keeps one: with a stream in each of six tabs no tab could call anything, nor a seventh be loaded. So tabs that nobody
 * looks at let go of theirs when there are too many, the one that was left first before the others.
 */

/** What tabs tell each other. */
export type ShareMessage =
  /** A tab has a stream, and since when it is hidden: ms since 1970, null while it is seen. */
  | { readonly kind: 'has'; readonly tab: string; readonly hiddenSince: number | null }
  | { readonly kind: 'let go'; readonly tab: string }
  | { readonly kind: 'who has?' };

/** The others are for calls. */
export const MAX_STREAMS = 4;

export class StreamShare {
  readonly #tab: string;
  readonly #post: (message: ShareMessage) => void;
  readonly #letGo: () => void;
  readonly #others = new Map<string, number | null>();
  /** Undefined without a stream. */
  #hiddenSince: number | null | undefined;

  /** @param letGo called when this tab has to end its stream; `has` says that it has one again */
  constructor(tab: string, post: (message: ShareMessage) => void, letGo: () => void) {
    this.#tab = tab;
    this.#post = post;
    this.#letGo = letGo;
    post({ kind: 'who has?' });
  }

  /** This tab has a stream, or is seen or hidden from now on. */
  has(hiddenSince: number | null): void {
    this.#hiddenSince = hiddenSince;
    this.#tell();
    this.#check();
  }

  /** This tab has none any more. */
  hasNone(): void {
    if (this.#hiddenSince === undefined) return;
    this.#hiddenSince = undefined;
    this.#post({ kind: 'let go', tab: this.#tab });
  }

  /** What another tab has told. */
  hear(message: ShareMessage): void {
    if (message.kind === 'who has?') this.#tell();
    else if (message.kind === 'let go') this.#others.delete(message.tab);
    else this.#others.set(message.tab, message.hiddenSince);
    this.#check();
  }

  #tell(): void {
    const hiddenSince = this.#hiddenSince;
    if (hiddenSince !== undefined) this.#post({ kind: 'has', tab: this.#tab, hiddenSince });
  }

  #check(): void {
    const mine = this.#hiddenSince;
    if (mine === undefined || mine === null) return;
    const tooMany = this.#others.size + 1 - MAX_STREAMS;
    // Every tab counts alike, so that they agree without a word.
    const before = [...this.#others].filter(
      ([tab, since]) => since !== null && (since < mine || (since === mine && tab < this.#tab)),
    );
    if (before.length >= tooMany) return;
    this.hasNone();
    this.#letGo();
  }
}
