/** Renders a component when a store has changed, but not for each of many changes. */
import { useMemo, useSyncExternalStore } from 'react';

export interface Store {
  /** Counts the changes. */
  readonly revision: number;
  readonly onChange: (listener: () => void) => () => void;
}

/** Calls back once, later; the function that is returned takes that back. */
export type Pace = (draw: () => void) => () => void;

/** Once a frame at most. */
export const eachFrame: Pace = (draw) => {
  const frame = requestAnimationFrame(draw);
  return () => cancelAnimationFrame(frame);
};

/** Once in so many milliseconds at most. */
export function each(ms: number): Pace {
  return (draw) => {
    const timer = setTimeout(draw, ms);
    return () => clearTimeout(timer);
  };
}

/**
 * Only the news of a change is held back, never the revision: React must see it in every rendering, for whatever reason there is one. A
 * rendering that shows the newer content under the older revision counts as one in which nothing has changed, and its effects do not run.
 *
 * @param pace must stay the same function
 */
export function useRevision(store: Store, pace: Pace): number {
  const subscribe = useMemo(() => pacedBy(store, pace), [store, pace]);
  return useSyncExternalStore(subscribe, () => store.revision);
}

function pacedBy(store: Store, pace: Pace) {
  return (listener: () => void) => {
    let cancel: (() => void) | null = null;
    const end = store.onChange(() => {
      cancel ??= pace(() => {
        cancel = null;
        listener();
      });
    });
    return () => {
      end();
      cancel?.();
    };
  };
}
