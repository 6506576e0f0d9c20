/** All nodes and all schedules as they are now, shared by the screens that show them, and the workers of a node. */
import { useMemo, useSyncExternalStore } from 'react';
import type { Node } from '../proto/gen/muster/v1/node_pb.ts';
import type { Schedule } from '../proto/gen/muster/v1/schedule_pb.ts';
import type { Worker } from '../proto/gen/muster/v1/worker_pb.ts';
import { type Collection, FollowedList, type Subscribe } from './followed-list.ts';
import { link } from './live.ts';

export type { Collection } from './followed-list.ts';

const follow: Subscribe = (topic, onMessage) => link.subscribe(topic, onMessage);

const liveNodes = new FollowedList<Node>(
  follow,
  { case: 'nodes', value: {} },
  (message) =>
    message.case === 'nodes'
      ? { changed: message.value.nodes, deletedIds: message.value.deletedIds }
      : null,
  ({ id }) => id,
);

const liveSchedules = new FollowedList<Schedule>(
  follow,
  { case: 'schedules', value: {} },
  (message) =>
    message.case === 'schedules'
      ? { changed: message.value.schedules, deletedIds: message.value.deletedIds }
      : null,
  ({ id }) => id,
);

const workersOf = (nodeId: string) =>
  new FollowedList<Worker>(
    follow,
    { case: 'workers', value: { nodeId } },
    (message) =>
      message.case === 'workers'
        ? { changed: message.value.workers, deletedIds: message.value.deletedNames }
        : null,
    ({ name }) => name,
  );

export function useLiveNodes(): Collection<Node> {
  return useSyncExternalStore(liveNodes.subscribe, liveNodes.get);
}

export function useLiveSchedules(): Collection<Schedule> {
  return useSyncExternalStore(liveSchedules.subscribe, liveSchedules.get);
}

export function useLiveWorkers(nodeId: string): Collection<Worker> {
  const workers = useMemo(() => workersOf(nodeId), [nodeId]);
  return useSyncExternalStore(workers.subscribe, workers.get);
}
