/** Follows one task: read once, then over the stream of the tab, without gaps. */
import { useEffect, useReducer, useRef, useState } from 'react';
import type { Task, Transition } from '../../../proto/gen/muster/v1/task_pb.ts';
import { explain, tasks } from '../../connection.ts';
import { link } from '../../live.ts';
import { applyChange, type Change, type Feed, knownVersion, mergeSteps } from './feed.ts';

const PAGE = 1_000;
/** Why a task still waits is no step: it is asked for, this often. */
const WAITING_MS = 5_000;
/** Changes that come together are one reason to ask for the attempts. */
const REREAD_MS = 250;

export interface Following {
  /** Null until it was read. */
  readonly feed: Feed | null;
  /** Why it cannot be read or followed; null while all is well. */
  readonly error: string | null;
  /** Takes over what an action has answered. */
  readonly apply: (change: Change) => void;
}

type Action =
  | { readonly type: 'loaded'; readonly feed: Feed }
  | { readonly type: 'changed'; readonly change: Change }
  | { readonly type: 'steps'; readonly steps: readonly Transition[] }
  | { readonly type: 'reset' };

function reduce(feed: Feed | null, action: Action): Feed | null {
  if (action.type === 'reset') return null;
  if (action.type === 'loaded') return action.feed;
  if (feed === null) return null;
  if (action.type === 'steps') return { ...feed, steps: mergeSteps(feed.steps, action.steps) };
  return applyChange(feed, action.change);
}

/** Follows a task for as long as the component is shown. */
export function useFeed(id: string): Following {
  const [feed, dispatch] = useReducer(reduce, null);
  const [error, setError] = useState<string | null>(null);
  const latest = useRef<Feed | null>(null);
  latest.current = feed;
  useEffect(() => {
    let isOver = false;
    let unsubscribe: (() => void) | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    setError(null);
    const reread = () => {
      // One that is due already serves for this change as well.
      timer ??= setTimeout(() => {
        timer = undefined;
        readNews(id, latest.current).then(
          ({ task, steps }) => {
            if (isOver) return;
            if (task !== undefined) dispatch({ type: 'changed', change: { task } });
            dispatch({ type: 'steps', steps });
          },
          // The next change asks again; a task that is gone the stream tells of.
          () => {},
        );
      }, REREAD_MS);
    };
    const follow = (first: Feed) => {
      let seen = first.task.version;
      unsubscribe = link.subscribe(
        () => ({ case: 'tasks', value: { filter: { ids: [id] }, seen: [{ id, version: seen }] } }),
        (message) => {
          if (message.case === 'ended' && message.value.why !== '') setError(message.value.why);
          if (message.case !== 'task') return;
          const { task, transition, deleted } = message.value;
          dispatch({ type: 'changed', change: { task, transition, deleted } });
          if (task !== undefined && task.version > seen) reread();
          seen = Math.max(seen, task?.version ?? 0);
        },
      );
    };
    readFeed(id).then(
      (first) => {
        if (isOver) return;
        dispatch({ type: 'loaded', feed: first });
        follow(first);
      },
      (thrown: unknown) => {
        if (!isOver) setError(explain(thrown));
      },
    );
    const waiting = setInterval(() => {
      if (latest.current?.task.substate === 'queued') reread();
    }, WAITING_MS);
    return () => {
      isOver = true;
      clearTimeout(timer);
      clearInterval(waiting);
      unsubscribe?.();
      dispatch({ type: 'reset' });
    };
  }, [id]);
  return { feed, error, apply: (change) => dispatch({ type: 'changed', change }) };
}

/** The history is read after the task: its last steps may be younger, and the stream sends those once more. */
async function readFeed(id: string): Promise<Feed> {
  const { task } = await tasks.getTask({ id });
  if (task === undefined) throw new Error(`There is no task ${id}`);
  const { steps, isExpired } = await readSteps(id, 0);
  return { task, steps, isExpired, isDeleted: false };
}

/** Asks for what the stream does not carry: the spec, the attempts, and steps that are missing. */
async function readNews(
  id: string,
  feed: Feed | null,
): Promise<{ task: Task | undefined; steps: readonly Transition[] }> {
  const { task } = await tasks.getTask({ id });
  const known = feed === null ? 0 : knownVersion(feed);
  const isComplete = feed === null || feed.isExpired || known >= (task?.version ?? 0);
  return { task, steps: isComplete ? [] : (await readSteps(id, known)).steps };
}

async function readSteps(
  id: string,
  after: number,
): Promise<{ steps: Transition[]; isExpired: boolean }> {
  const steps: Transition[] = [];
  for (;;) {
    const afterVersion = steps.at(-1)?.version ?? after;
    const page = await tasks.getTaskHistory({ id, afterVersion, pageSize: PAGE });
    steps.push(...page.transitions);
    if (!page.hasMore) return { steps, isExpired: page.expired };
  }
}
