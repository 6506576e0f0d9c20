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
const MAX_QUEUED = 200;
/** Subscriptions of one stream. */
export const MAX_SUBSCRIPTIONS = 64;
const ALIVE_INTERVAL_MS = 15_000;

export class LiveStream {
  readonly #clock: Clock;
  readonly #queue: OpenStreamResponse[] = [];
  readonly #subscriptions = new Map<string, AbortController>();
  /** Called when something is queued, and when there is room again. */
  #wakeReader: () => void = () => {};
  #waitingForRoom: (() => void)[] = [];

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

  unsubscribe(id: string): void {
    this.#subscriptions.get(id)?.abort();
    this.#subscriptions.delete(id);
  }

  /** Yields what the subscriptions bring, and now and then a sign of life, until the signal fires. */
  async *read(signal: AbortSignal): AsyncIterable<OpenStreamResponse> {
    try {
      while (!signal.aborted) {
        const next = this.#queue.shift();
        if (next !== undefined) {
          this.#waitingForRoom.shift()?.();
          yield next;
          continue;
        }
        const isWoken = await this.#untilWoken(signal);
        if (!isWoken && !signal.aborted) yield make('', { case: 'alive', value: {} });
      }
    } finally {
      for (const id of this.#subscriptions.keys()) this.unsubscribe(id);
      for (const go of this.#waitingForRoom.splice(0)) go();
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
    { signal }: AbortController,
    follow: (signal: AbortSignal) => AsyncIterable<LiveMessage>,
    describe: (thrown: unknown) => string,
  ): Promise<void> {
    let why = '';
    try {
      for await (const message of follow(signal)) {
        if (signal.aborted) return;
        await this.#push(make(id, message), signal);
      }
    } catch (thrown) {
      why = describe(thrown);
    }
    if (signal.aborted) return;
    this.#subscriptions.delete(id);
    await this.#push(make(id, { case: 'ended', value: { why } }), signal);
  }

  async #push(message: OpenStreamResponse, signal: AbortSignal): Promise<void> {
    while (this.#queue.length >= MAX_QUEUED && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#waitingForRoom.push(resolve);
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    if (signal.aborted) return;
    this.#queue.push(message);
    this.#wakeReader();
  }
}

function make(subscriptionId: string, message: LiveMessage): OpenStreamResponse {
  return create(OpenStreamResponseSchema, { subscriptionId, message });
}
