/**
 * A list that is followed while somebody looks, over the stream of the tab.
 *
 * The first message of a subscription has everything, those after it what differs; so what is there is replaced whenever the topic is asked
 * for anew, and what was seen last is shown until then. One that the supervisor has ended, for example because its database is away, is
 * asked for again.
 */
import { applyChange, type Change } from './apply-change.ts';
import type { LiveMessage, Topic } from './live.ts';

export interface Collection<Item> {
  /** By id, workers by name; null before they have come for the first time. */
  readonly items: ReadonlyMap<string, Item> | null;
  /** Why they are not followed just now, in a sentence; null while they are. */
  readonly failure: string | null;
}

/** Before what has ended is asked for again. */
const AGAIN_MS = 3_000;

/** Follows a topic until the returned function is called. */
export type Subscribe = (
  topic: () => Topic,
  onMessage: (message: LiveMessage) => void,
) => () => void;

export class FollowedList<Item> {
  readonly #follow: Subscribe;
  readonly #topic: Topic;
  readonly #read: (message: LiveMessage) => Change<Item> | null;
  readonly #listeners = new Set<() => void>();
  #now: Collection<Item> = { items: null, failure: null };
  #isFresh = true;
  #end: (() => void) | null = null;
  readonly #keyOf: (item: Item) => string;
  #again: ReturnType<typeof setTimeout> | undefined;

  constructor(
    follow: Subscribe,
    topic: Topic,
    read: (message: LiveMessage) => Change<Item> | null,
    keyOf: (item: Item) => string,
  ) {
    this.#follow = follow;
    this.#topic = topic;
    this.#read = read;
    this.#keyOf = keyOf;
  }

  /** For useSyncExternalStore. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    if (this.#end === null) this.#begin();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#leave();
    };
  };

  readonly get = (): Collection<Item> => this.#now;

  #begin(): void {
    this.#end = this.#follow(
      () => {
        this.#isFresh = true;
        return this.#topic;
      },
      (message) => this.#take(message),
    );
  }

  #leave(): void {
    clearTimeout(this.#again);
    this.#end?.();
    this.#end = null;
  }

  #take(message: LiveMessage): void {
    const change = this.#read(message);
    if (change !== null) {
      this.#now = {
        items: applyChange(this.#now.items, change, this.#isFresh, this.#keyOf),
        failure: null,
      };
      this.#isFresh = false;
    } else if (message.case === 'ended') {
      this.#now = { ...this.#now, failure: message.value.why || 'They are not followed any more' };
      clearTimeout(this.#again);
      this.#again = setTimeout(() => {
        this.#leave();
        this.#begin();
      }, AGAIN_MS);
    } else return;
    for (const listener of this.#listeners) listener();
  }
}
