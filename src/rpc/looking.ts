/**
 * Follows a list for which no stream of its own exists: it is looked at every two seconds, or as soon as a bell rings, and told where it
 * differs from before.
 */
import { equals, type DescMessage, type MessageShape } from '@bufbuild/protobuf';
import type { Clock } from '../process/clock.ts';
import { sleep } from '../process/clock.ts';

const LOOK_INTERVAL_MS = 2_000;
/** Items of a page; a list gives as many unless it is at its end. */
export const LOOK_PAGE = 1_000;

/** Has a list looked at before its time. A ring that nobody waits for is heard by the next one who does. */
export class Bell {
  #hasRung = false;
  #wake: () => void = () => {};

  readonly ring = (): void => {
    this.#hasRung = true;
    this.#wake();
  };

  /** Waits until it rings, the time is over or the signal fires. */
  async wait(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    signal.addEventListener('abort', this.#wake, { once: true });
    if (!this.#hasRung) await sleep(clock, ms, woken.signal);
    signal.removeEventListener('abort', this.#wake);
    this.#wake = () => {};
    this.#hasRung = false;
  }
}

/** A list that can be looked at. */
export interface Looked<D extends DescMessage> {
  readonly schema: D;
  /** Returns a page of what comes after a key. */
  readonly list: (after: string | null) => Promise<readonly MessageShape<D>[]>;
  /** What the list is sorted by. */
  readonly keyOf: (one: MessageShape<D>) => string;
  /** What an item is told apart by. */
  readonly idOf: (one: MessageShape<D>) => string;
}

/** Yields what is new or different since the look before; at first all. */
export async function* looks<D extends DescMessage>(
  { schema, list, keyOf, idOf }: Looked<D>,
  clock: Clock,
  signal: AbortSignal,
  bell = new Bell(),
): AsyncIterable<{ changed: MessageShape<D>[]; goneIds: string[] }> {
  let known: ReadonlyMap<string, MessageShape<D>> | null = null;
  while (!signal.aborted) {
    const found = new Map<string, MessageShape<D>>();
    for (let after: string | null = null; ; ) {
      const page: readonly MessageShape<D>[] = await list(after);
      for (const one of page) found.set(idOf(one), one);
      const last = page.at(-1);
      if (page.length < LOOK_PAGE || last === undefined) break;
      after = keyOf(last);
    }
    const before: ReadonlyMap<string, MessageShape<D>> = known ?? new Map();
    const changed = [...found].flatMap(([id, one]) => {
      const former = before.get(id);
      return former !== undefined && equals(schema, former, one) ? [] : [one];
    });
    const goneIds = [...before.keys()].filter((id) => !found.has(id));
    if (known === null || changed.length > 0 || goneIds.length > 0) yield { changed, goneIds };
    known = found;
    await bell.wait(clock, LOOK_INTERVAL_MS, signal);
  }
}
