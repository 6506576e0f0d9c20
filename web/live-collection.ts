/**
 * All nodes and all schedules as they are now, shared by the screens that show them.
 *
 * Each is followed while somebody looks, over the stream of the tab. The first message of a subscription has everything, those
 * after it what differs; so what is there is replaced whenever the topic is asked for anew, and what was seen last is shown until then.
 */
import { useSyncExternalStore } from 'react';
import type { Node } from '../proto/gen/muster/v1/node_pb.ts';
import type { Schedule } from '../proto/gen/muster/v1/schedule_pb.ts';
import { applyChange, type Change } from './apply-change.ts';
import { link, type LiveMessage, type Topic } from './live.ts';

export interface Collection<Item> {
  /** By id; null before they have come for the first time. */
  readonly items: ReadonlyMap<string, Item> | null;
  /** Why they are not followed any more, in a sentence; null while they are. */
  readonly failure: string | null;
}

class LiveCollection<Item extends { readonly id: string }> {
  readonly #topic: Topic;
  readonly #read: (message: LiveMessage) => Change<Item> | null;
  readonly #listeners = new Set<() => void>();
  #now: Collection<Item> = { items: null, failure: null };
  #isFresh = true;
  #end: (() => void) | null = null;

  constructor(topic: Topic, read: (message: LiveMessage) => Change<Item> | null) {
    this.#topic = topic;
    this.#read = read;
  }

  /** For useSyncExternalStore. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    this.#end ??= link.subscribe(
      () => {
        this.#isFresh = true;
        return this.#topic;
      },
      (message) => this.#take(message),
    );
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#end?.();
      this.#end = null;
    };
  };

  readonly get = (): Collection<Item> => this.#now;

  #take(message: LiveMessage): void {
    const change = this.#read(message);
    if (change !== null) {
      this.#now = { items: applyChange(this.#now.items, change, this.#isFresh), failure: null };
      this.#isFresh = false;
    } else if (message.case === 'ended') {
      this.#now = { ...this.#now, failure: message.value.why || 'They are not followed any more' };
    } else return;
    for (const listener of this.#listeners) listener();
  }
}

const liveNodes = new LiveCollection<Node>({ case: 'nodes', value: {} }, (message) =>
  message.case === 'nodes'
    ? { changed: message.value.nodes, deletedIds: message.value.deletedIds }
    : null,
);

const liveSchedules = new LiveCollection<Schedule>({ case: 'schedules', value: {} }, (message) =>
  message.case === 'schedules'
    ? { changed: message.value.schedules, deletedIds: message.value.deletedIds }
    : null,
);

export function useLiveNodes(): Collection<Node> {
  return useSyncExternalStore(liveNodes.subscribe, liveNodes.get);
}

export function useLiveSchedules(): Collection<Schedule> {
  return useSyncExternalStore(liveSchedules.subscribe, liveSchedules.get);
}
