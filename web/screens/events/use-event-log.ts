/** Follows the transitions of all tasks while the screen is shown, beginning with those of the newest tasks. */
import { useEffect, useState } from 'react';
import { explain, tasks } from '../../connection.ts';
import { link } from '../../live.ts';
import { each, useRevision } from '../../use-revision.ts';
import { type Entry, entryOf, EventLog } from './event-log.ts';

/** Tasks whose transitions are read at the beginning. */
const FIRST_TASKS = 20;
/** Versions that a subscription may name. */
const MAX_SEEN = 1_000;
const AGAIN_MS = 1_000;
/** Drawn this often at most. */
const paced = each(200);

export function useEventLog(): { log: EventLog; isStarted: boolean; failure: string | null } {
  const [log] = useState(() => new EventLog());
  const [isStarted, setStarted] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  useRevision(log, paced);
  useEffect(() => follow(log), [log]);
  useEffect(() => {
    readFormer().then(
      (entries) => {
        log.addFormer(entries);
        setStarted(true);
      },
      (error: unknown) => {
        setFailure(explain(error));
        setStarted(true);
      },
    );
  }, [log]);
  return { log, isStarted, failure };
}

async function readFormer(): Promise<Entry[]> {
  const { tasks: newest } = await tasks.listTasks({ pageSize: FIRST_TASKS });
  const histories = await Promise.all(
    newest.map(async (task) => {
      const { transitions } = await tasks.getTaskHistory({ id: task.id, pageSize: 50 });
      return transitions.map((transition) => entryOf(task, transition));
    }),
  );
  return histories.flat();
}

function follow(log: EventLog): () => void {
  let end = () => {};
  let timer: ReturnType<typeof setTimeout> | undefined;
  const start = () => {
    end = link.subscribe(
      // After a lost connection the steps in between come as well.
      () => ({ case: 'tasks', value: { seen: log.lastVersions(MAX_SEEN) } }),
      (message) => {
        if (message.case === 'task') {
          const { task, transition } = message.value;
          if (task !== undefined && transition !== undefined) log.add(entryOf(task, transition));
        }
        if (message.case === 'ended') {
          end();
          timer = setTimeout(start, AGAIN_MS);
        }
      },
    );
  };
  start();
  return () => {
    clearTimeout(timer);
    end();
  };
}
