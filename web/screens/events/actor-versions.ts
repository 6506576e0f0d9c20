/**
 * Which versions of schedules and nodes a page has seen, so that it goes on from them after a lost connection. Pure.
 */
import type { ActorsMoved, ActorTransition } from '../../../proto/gen/muster/v1/live_service_pb.ts';
import type { Topic } from '../../live.ts';

/** Steps of schedules, and of nodes, that come first where it begins. */
export const FORMER = 300;
/** Versions that a subscription may name. With more actors it begins anew, and may miss what is older than the former steps. */
export const MAX_NAMED = 20_000;

export class ActorVersions {
  /** By key; null before the first message. */
  #versions: Map<string, number> | null = null;

  /** The topic as of now. */
  topic(): Topic {
    if (this.#versions === null || this.#versions.size > MAX_NAMED) {
      this.#versions = null;
      return { case: 'actors', value: { former: FORMER } };
    }
    const actors = [...this.#versions].map(([key, version]) => ({ key, version }));
    return { case: 'actors', value: { seen: { actors } } };
  }

  /** Notes what a message brings and returns its transitions, with whether they are from before the page began. */
  take({ transitions, versions }: ActorsMoved): {
    transitions: readonly ActorTransition[];
    isFormer: boolean;
  } {
    const isFormer = this.#versions === null;
    const known = (this.#versions ??= new Map());
    for (const { key, version } of versions) known.set(key, version);
    for (const { key, transition } of transitions) {
      known.set(key, Math.max(transition?.version ?? 0, known.get(key) ?? 0));
    }
    return { transitions, isFormer };
  }
}
