/**
 * Looks at the messages of a stream as they pass. Used by the interceptors.
 *
 * An iterator and no generator: thousands of streams are open for days, and for each message a generator makes three more promises,
 * which live until the next message comes.
 */

/** What is told of a stream. */
export interface StreamHooks<T> {
  /** Sees each message before it is passed on. What it throws ends the stream, here and at its source. */
  onMessage?(message: T): void;
  /** Makes of a failure of the source the one that is passed on. */
  convert?(thrown: unknown): unknown;
  /** Told once. */
  onEnd?(end: StreamEnd): void;
}

/** How a stream came to its end; its reader may leave before. */
export type StreamEnd =
  | { readonly kind: 'ended' | 'left' }
  | { readonly kind: 'failed'; readonly thrown: unknown };

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

export class WatchedStream<T> implements AsyncIterableIterator<T, undefined> {
  readonly #messages: AsyncIterator<T>;
  readonly #hooks: StreamHooks<T>;
  #isOver = false;

  constructor(messages: AsyncIterable<T>, hooks: StreamHooks<T>) {
    this.#messages = messages[Symbol.asyncIterator]();
    this.#hooks = hooks;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#isOver) return Promise.resolve(DONE);
    return this.#messages.next().then(this.#pass, this.#fail);
  }

  /** Its reader wants no more. */
  async return(): Promise<IteratorResult<T, undefined>> {
    this.#end({ kind: 'left' });
    await this.#messages.return?.();
    return DONE;
  }

  /** Its reader could not do anything with what it has read. */
  async throw(thrown: unknown): Promise<IteratorResult<T, undefined>> {
    if (this.#isOver || this.#messages.throw === undefined) {
      await this.return();
      throw thrown;
    }
    return await this.#messages.throw(thrown).then(this.#pass, this.#fail);
  }

  // Made once for the stream, not for each message.
  readonly #pass = (
    result: IteratorResult<T>,
  ): IteratorResult<T, undefined> | Promise<IteratorResult<T, undefined>> => {
    if (result.done === true) {
      this.#end({ kind: 'ended' });
      return DONE;
    }
    try {
      this.#hooks.onMessage?.(result.value);
    } catch (thrown) {
      return this.#refuse(thrown);
    }
    return result;
  };

  readonly #fail = (thrown: unknown): never => {
    const converted = this.#hooks.convert?.(thrown) ?? thrown;
    this.#end({ kind: 'failed', thrown: converted });
    throw converted;
  };

  async #refuse(thrown: unknown): Promise<never> {
    this.#end({ kind: 'failed', thrown });
    await this.#messages.return?.();
    throw thrown;
  }

  #end(end: StreamEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#hooks.onEnd?.(end);
  }
}
