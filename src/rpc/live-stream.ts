/**
 * One open stream of LiveService, and the subscriptions that share it.
 *
 * Its queue is bounded: a subscription waits with its next message while the reader does not come after, so that a slow page costs
 * no memory and holds up nobody else.
 */
import { create } from '@bufbuild/protobuf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type OpenStreamResponse,
  OpenStreamResponseSchema,
} from '../../proto/gen/muster/v1/live_service_pb.ts';
import type { Clock } from '../process/clock.ts';
import { sleep } from '../process/clock.ts';

export type LiveMessage = NonNullable<MessageInitShape<typeof OpenStreamResponseSchema>['message']>;

/** Messages that wait for the reader. */
export const MAX_QUEUED = 200;
/** Subscriptions of one stream. */
export const MAX_SUBSCRIPTIONS = 64;
const ALIVE_INTERVAL_MS = 15_000;

export class LiveStream {
  readonly #clock: Clock;
  readonly #queue: OpenStreamResponse[] = [];
  readonly #subscriptions = new Map<string, AbortController>();
  /** Called when something is queued. */
  #wakeReader: () => void = () => {};
  /** Subscriptions that wait for room in the queue, the longest first. */
  readonly #waitingForRoom = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Returns false if there are too many already. */
  canAdd(id: string): boolean {
    return this.#subscriptions.has(id) || this.#subscriptions.size < MAX_SUBSCRIPTIONS;
  }

  /**
   * Adds a subscription, in the place of the former one of this id.
   *
   * @param follow yields its messages until the signal fires
   * @param describe makes a sentence of what ended it
   */
  subscribe(
    id: string,
    follow: (signal: AbortSignal) => AsyncIterable<LiveMessage>,
    describe: (thrown: unknown) => string,
  ): void {
    this.unsubscribe(id);
    const controller = new AbortController();
    this.#subscriptions.set(id, controller);
    void this.#pass(id, controller, follow, describe);
  }

  /** Ends a subscription. What of it is not read yet is not sent any more, so that nothing of it follows what takes its place. */
  unsubscribe(id: string): void {
    const controller = this.#subscriptions.get(id);
    if (controller === undefined) return;
    controller.abort();
    this.#subscriptions.delete(id);
    const kept = this.#queue.filter(({ subscriptionId }) => subscriptionId !== id);
    const freed = this.#queue.length - kept.length;
    this.#queue.splice(0, this.#queue.length, ...kept);
    for (let count = 0; count < freed; count += 1) this.#letOneGo();
  }

  /** Yields what the subscriptions bring, and now and then a sign of life, until the signal fires. */
  async *read(signal: AbortSignal): AsyncIterable<OpenStreamResponse> {
    try {
      while (!signal.aborted) {
        const next = this.#queue.shift();
        if (next !== undefined) {
          this.#letOneGo();
          yield next;
          continue;
        }
        const isWoken = await this.#untilWoken(signal);
        if (!isWoken && !signal.aborted) yield make('', { case: 'alive', value: {} });
      }
    } finally {
      for (const id of this.#subscriptions.keys()) this.unsubscribe(id);
    }
  }

  async #untilWoken(signal: AbortSignal): Promise<boolean> {
    const woken = new AbortController();
    const wake = () => woken.abort();
    this.#wakeReader = wake;
    signal.addEventListener('abort', wake, { once: true });
    await sleep(this.#clock, ALIVE_INTERVAL_MS, woken.signal);
    signal.removeEventListener('abort', wake);
    return woken.signal.aborted;
  }

  async #pass(
    id: string,
    controller: AbortController,
    follow: (signal: AbortSignal) => AsyncIterable<LiveMessage>,
    describe: (thrown: unknown) => string,
  ): Promise<void> {
    const { signal } = controller;
    let why = '';
    try {
      for await (const message of follow(signal)) {
        if (signal.aborted) return;
        await this.#push(make(id, message), signal);
      }
    } catch (thrown) {
      why = describe(thrown);
    }
    await this.#push(make(id, { case: 'ended', value: { why } }), signal);
    // Another one may have its place by now.
    if (this.#subscriptions.get(id) === controller) this.#subscriptions.delete(id);
  }

  async #push(message: OpenStreamResponse, signal: AbortSignal): Promise<void> {
    while (this.#queue.length >= MAX_QUEUED && !signal.aborted) await this.#untilRoom(signal);
    if (signal.aborted) return;
    this.#queue.push(message);
    this.#wakeReader();
  }

  async #untilRoom(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const go = () => resolve();
    this.#waitingForRoom.add(go);
    signal.addEventListener('abort', go, { once: true });
    await promise;
    signal.removeEventListener('abort', go);
    this.#waitingForRoom.delete(go);
  }

  #letOneGo(): void {
    const [go] = this.#waitingForRoom;
    if (go === undefined) return;
    this.#waitingForRoom.delete(go);
    go();
  }
}

function make(subscriptionId: string, message: LiveMessage): OpenStreamResponse {
  return create(OpenStreamResponseSchema, { subscriptionId, message });
}
