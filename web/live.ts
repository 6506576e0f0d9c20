/**
 * What a page follows, over the one stream of this tab.
 *
 * A subscription is a topic made anew for each stream: after a lost connection it asks for what it has not seen, and so goes on
 * from the last version or offset. Waits between tries grow to five seconds. A tab that nobody looks at may have to do without one for
 * a while, see stream-share.ts.
 */
import { create } from '@bufbuild/protobuf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import {
  type OpenStreamResponse,
  SubscribeRequestSchema,
} from '../proto/gen/muster/v1/live_service_pb.ts';
import { live } from './connection.ts';
import { randomText } from './plain-http.ts';
import { type ShareMessage, StreamShare } from './stream-share.ts';

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

function hiddenSince(): number | null {
  return document.hidden ? Date.now() : null;
}

class LiveLink {
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #listeners = new Set<() => void>();
  #state: LinkState = 'connecting';
  #streamId: string | null = null;
  #nextId = 1;
  #controller: AbortController | null = null;
  /** The stream was let go, for other tabs. */
  #isResting = false;
  readonly #share: StreamShare;

  constructor() {
    const channel = new BroadcastChannel('muster.streams');
    const letGo = () => {
      this.#isResting = true;
      this.#end();
    };
    this.#share = new StreamShare(randomText(), (message) => channel.postMessage(message), letGo);
    channel.onmessage = ({ data }: MessageEvent<ShareMessage>) => this.#share.hear(data);
    document.addEventListener('visibilitychange', () => this.#turn());
    addEventListener('pagehide', () => this.#share.hasNone());
    addEventListener('pageshow', ({ persisted }) => persisted && this.#turn());
  }

  /** Follows a topic until the returned function is called. */
  subscribe(topic: () => Topic, onMessage: (message: LiveMessage) => void): () => void {
    const id = `s${this.#nextId++}`;
    const subscription = { topic, onMessage };
    this.#subscriptions.set(id, subscription);
    if (this.#controller === null && !this.#isResting) this.#start();
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
    this.#share.hasNone();
    this.#end();
  }

  #start(): void {
    const controller = new AbortController();
    this.#controller = controller;
    this.#share.has(hiddenSince());
    // Too many others may have one.
    if (!controller.signal.aborted) void this.#run(controller.signal);
  }

  #end(): void {
    this.#controller?.abort();
    this.#controller = null;
    this.#streamId = null;
  }

  /** A stream that was let go comes back when somebody looks. */
  #turn(): void {
    if (this.#controller !== null) this.#share.has(hiddenSince());
    else if (this.#isResting && !document.hidden) {
      this.#isResting = false;
      this.#start();
    }
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
