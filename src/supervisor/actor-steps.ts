/**
 * Following what schedules and nodes do: their committed steps, whichever supervisor commits them.
 *
 *   looks, one a second for all followers ──► which actors have a later version than this follower has ──► their steps
 *
 * A follower knows a version of each actor, so that after a lost connection it goes on from those without a gap, on any supervisor.
 */
import { listActorSteps, listActorVersions, listNewestActorSteps } from '../../db/actor-steps.ts';
import type { ActorStep, ActorVersion } from '../../db/actor-steps.ts';
import type { Clock } from '../process/clock.ts';
import { sleep } from '../process/clock.ts';
import type { Store } from './store.ts';
import type { Actors, ActorsMoved } from './supervisor.ts';

/** Actors whose steps are read at once. */
const ACTORS_AT_ONCE = 50;
/** Steps told at once. */
const STEPS_AT_ONCE = 200;

export interface ActorStepsOptions {
  readonly store: Pick<Store, 'read'>;
  readonly clock: Clock;
  /** Between two looks, while somebody follows. */
  readonly intervalMs: number;
}

/** What can be asked about all schedules and nodes together. */
export function createActors({ store, clock, intervalMs }: ActorStepsOptions): Actors {
  const looks = new Looks(() => store.read(listActorVersions), clock, intervalMs);
  return {
    async *follow(seen, former, signal) {
      const known = new Map(seen ?? []);
      if (seen === null) {
        for (const { key, version } of await looks.now()) known.set(key, version);
        yield await beginning(store, known, former);
      }
      while (!signal.aborted) {
        yield* stepsAfter(store, known, await looks.now(), signal);
        await looks.untilNext(signal);
      }
    },
  };
}

/** The newest steps up to the versions that the follower goes on from. */
async function beginning(
  store: Pick<Store, 'read'>,
  known: ReadonlyMap<string, number>,
  former: number,
): Promise<ActorsMoved> {
  const newest = await store.read((sql) => listNewestActorSteps(sql, former));
  const isBefore = ({ key, transition }: ActorStep) => transition.version <= (known.get(key) ?? 0);
  return { steps: newest.filter(isBefore), versions: new Map(known) };
}

/** Yields what is later than what is known, and notes it as known. */
async function* stepsAfter(
  store: Pick<Store, 'read'>,
  known: Map<string, number>,
  look: readonly ActorVersion[],
  signal: AbortSignal,
): AsyncGenerator<ActorsMoved> {
  const behind = look.filter(({ key, version }) => version > (known.get(key) ?? 0));
  for (let from = 0; from < behind.length; from += ACTORS_AT_ONCE) {
    const some = behind.slice(from, from + ACTORS_AT_ONCE);
    while (!signal.aborted) {
      const after = some.map((one) => ({ ...one, version: known.get(one.key) ?? 0 }));
      const steps = await store.read((sql) => listActorSteps(sql, after, STEPS_AT_ONCE));
      for (const { key, transition } of steps) known.set(key, transition.version);
      if (steps.length > 0) yield { steps, versions: null };
      if (steps.length < STEPS_AT_ONCE) break;
    }
  }
}

/** The versions of all actors, looked at once in a while for all who ask. */
class Looks {
  readonly #look: () => Promise<readonly ActorVersion[]>;
  readonly #clock: Clock;
  readonly #intervalMs: number;
  #last: { readonly at: number; readonly versions: Promise<readonly ActorVersion[]> } | null = null;

  constructor(look: () => Promise<readonly ActorVersion[]>, clock: Clock, intervalMs: number) {
    this.#look = look;
    this.#clock = clock;
    this.#intervalMs = intervalMs;
  }

  async now(): Promise<readonly ActorVersion[]> {
    if (this.#last === null || this.#dueInMs() <= 0) {
      this.#last = { at: this.#clock.monotonic(), versions: this.#look() };
    }
    return await this.#last.versions;
  }

  /** Resolves when the next look is due, or the signal fires. */
  async untilNext(signal: AbortSignal): Promise<void> {
    await sleep(this.#clock, this.#dueInMs(), signal);
  }

  #dueInMs(): number {
    return this.#last === null ? 0 : this.#last.at + this.#intervalMs - this.#clock.monotonic();
  }
}
