/**
 * What a page follows, over the one stream of this tab.
 *
 * A subscription is a topic made anew for each stream: after a lost connection it asks for what it has not seen, and so goes on
 * from the last version or offset. Waits between tries grow to five seconds.
 */
import { create } from '@bufbuild/protobuf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import {
  type OpenStreamResponse,
  SubscribeRequestSchema,
} from '../proto/gen/muster/v1/live_service_pb.ts';
import { live } from './connection.ts';

export type Topic = NonNullable<MessageInitShape<typeof SubscribeRequestSchema>['topic']>;
export type LiveMessage = OpenStreamResponse['message'];
export type LinkState = 'connecting' | 'online' | 'offline';

interface Subscription {
  /** The topic as of now: what was seen already is left out. */
  readonly topic: () => Topic;
  readonly onMessage: (message: LiveMessage) => void;
}

const MIN_WAIT_MS = 300;
const MAX_WAIT_MS = 5_000;
/** The stream says something every 15 s. */
const SILENCE_MS = 40_000;

class LiveLink {
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #listeners = new Set<() => void>();
  #state: LinkState = 'connecting';
  #streamId: string | null = null;
  #nextId = 1;
  #controller: AbortController | null = null;

  /** Follows a topic until the returned function is called. */
  subscribe(topic: () => Topic, onMessage: (message: LiveMessage) => void): () => void {
    const id = `s${this.#nextId++}`;
    const subscription = { topic, onMessage };
    this.#subscriptions.set(id, subscription);
    if (this.#controller === null) this.#start();
    if (this.#streamId !== null) void this.#send(this.#streamId, id, subscription);
    return () => {
      this.#subscriptions.delete(id);
      const streamId = this.#streamId;
      // It ends with the stream in any case.
      if (streamId !== null) live.unsubscribe({ streamId, subscriptionId: id }).catch(() => {});
    };
  }

  get state(): LinkState {
    return this.#state;
  }

  /** For useSyncExternalStore. */
  readonly onStateChange = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Ends the stream, at a log-out. */
  stop(): void {
    this.#controller?.abort();
    this.#controller = null;
    this.#streamId = null;
  }

  #start(): void {
    const controller = new AbortController();
    this.#controller = controller;
    void this.#run(controller.signal);
  }

  async #run(signal: AbortSignal): Promise<void> {
    let waitMs = MIN_WAIT_MS;
    while (!signal.aborted) {
      const wasOpened = await this.#follow(signal);
      this.#streamId = null;
      if (signal.aborted) return;
      this.#setState('offline');
      waitMs = wasOpened ? MIN_WAIT_MS : Math.min(waitMs * 2, MAX_WAIT_MS);
      await new Promise((resolve) => setTimeout(resolve, waitMs * (0.5 + Math.random() / 2)));
    }
  }

  /** Returns when the stream is over: whether it had been opened. */
  async #follow(signal: AbortSignal): Promise<boolean> {
    const silent = new AbortController();
    const stop = () => silent.abort();
    signal.addEventListener('abort', stop, { once: true });
    let timer = setTimeout(stop, SILENCE_MS);
    let isOpened = false;
    try {
      for await (const { subscriptionId, message } of live.openStream(
        {},
        { signal: silent.signal },
      )) {
        clearTimeout(timer);
        timer = setTimeout(stop, SILENCE_MS);
        if (message.case === 'opened') {
          isOpened = true;
          this.#streamId = message.value.streamId;
          this.#setState('online');
          for (const [id, one] of this.#subscriptions) void this.#send(this.#streamId, id, one);
        } else if (message.case !== 'alive') {
          this.#subscriptions.get(subscriptionId)?.onMessage(message);
        }
      }
    } catch (error) {
      if (ConnectError.from(error).code === Code.Unauthenticated) this.stop();
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    }
    return isOpened;
  }

  async #send(streamId: string, subscriptionId: string, { topic }: Subscription): Promise<void> {
    try {
      await live.subscribe(
        create(SubscribeRequestSchema, { streamId, subscriptionId, topic: topic() }),
      );
    } catch (error) {
      // A stream that is gone comes again, and all subscriptions with it; what else is wrong is the subscriber's to tell.
      if (ConnectError.from(error).code === Code.NotFound) return;
      const why = ConnectError.from(error).rawMessage;
      const ended = { case: 'ended', value: { why } } as LiveMessage;
      this.#subscriptions.get(subscriptionId)?.onMessage(ended);
    }
  }

  #setState(state: LinkState): void {
    if (this.#state === state) return;
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

/** The link of this tab. */
export const link = new LiveLink();
