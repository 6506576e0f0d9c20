/**
 * Follows the transitions of all tasks, schedules and nodes while the screen is shown, beginning with those of the newest tasks and the
 * newest of schedules and nodes.
 */
import { useEffect, useState } from 'react';
import { explain, tasks } from '../../connection.ts';
import { link, type LiveMessage, type Topic } from '../../live.ts';
import { each, useRevision } from '../../use-revision.ts';
import { ActorVersions } from './actor-versions.ts';
import { type Entry, entryOf, entryOfActor, EventLog } from './event-log.ts';

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
  useEffect(() => followTasks(log), [log]);
  useEffect(() => followActors(log), [log]);
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

function followTasks(log: EventLog): () => void {
  return follow(
    // After a lost connection the steps in between come as well.
    () => ({ case: 'tasks', value: { seen: log.lastVersions(MAX_SEEN) } }),
    (message) => {
      if (message.case !== 'task') return;
      const { task, transition } = message.value;
      if (task !== undefined && transition !== undefined) log.add(entryOf(task, transition));
    },
  );
}

function followActors(log: EventLog): () => void {
  const versions = new ActorVersions();
  return follow(
    () => versions.topic(),
    (message) => {
      if (message.case !== 'actors') return;
      const { transitions, isFormer } = versions.take(message.value);
      const entries = transitions.map(entryOfActor).filter((entry) => entry !== null);
      if (isFormer) log.addFormer(entries);
      else for (const entry of entries) log.add(entry);
    },
  );
}

/** Follows a topic until the returned function is called; one that has ended is begun again. */
function follow(topic: () => Topic, take: (message: LiveMessage) => void): () => void {
  let end = () => {};
  let timer: ReturnType<typeof setTimeout> | undefined;
  const start = () => {
    end = link.subscribe(topic, (message) => {
      take(message);
      if (message.case === 'ended') {
        end();
        timer = setTimeout(start, AGAIN_MS);
      }
    });
  };
  start();
  return () => {
    clearTimeout(timer);
    end();
  };
}
