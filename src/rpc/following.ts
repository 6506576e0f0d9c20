/**
 * What can be followed, as messages: changes of tasks, output, and what schedules and nodes do. Called for streams of their own (TaskService) and for those that
 * share one (LiveService).
 */
import { create } from '@bufbuild/protobuf';
import { MusterError } from '../../machines/errors.ts';
import {
  ActorKind,
  type ActorsMoved,
  ActorsMovedSchema,
  type ActorsTopic,
} from '../../proto/gen/muster/v1/live_service_pb.ts';
import type { TailOutputRequest, TailOutputResponse } from '../../proto/gen/muster/v1/output_pb.ts';
import type {
  WatchTasksRequest,
  WatchTasksResponse,
} from '../../proto/gen/muster/v1/task_service_pb.ts';
import type { Actors, Tasks } from '../supervisor/supervisor.ts';
import { actionOf } from './actions.ts';
import { actorTransitionOf, changeOf } from './history-messages.ts';
import { outputItemOf } from './output-messages.ts';
import { filterOf } from './task-filter.ts';

/** Yields the tasks of a filter as they stand, then each of their changes, until the signal fires. @throws MusterError */
export async function* taskChanges(
  tasks: Tasks,
  { filter, seen }: WatchTasksRequest,
  signal: AbortSignal,
): AsyncIterable<WatchTasksResponse> {
  const conditions = filterOf(filter, actionOf('WatchTasks'));
  const versions = new Map(seen.map((one) => [one.id.toLowerCase(), one.version]));
  for await (const change of tasks.watch(conditions, versions, signal)) yield changeOf(change);
}

/** Yields the output of a task from offsets on, until it is over or the signal fires. @throws MusterError */
export async function* outputItems(
  tasks: Tasks,
  request: TailOutputRequest,
  signal: AbortSignal,
): AsyncIterable<TailOutputResponse> {
  const from = {
    attempt: request.attempt,
    stdoutOffset: offsetOf(request.stdoutOffset, 'TailOutput', 'stdout_offset'),
    stderrOffset: offsetOf(request.stderrOffset, 'TailOutput', 'stderr_offset'),
  };
  const id = request.id.toLowerCase();
  for await (const item of tasks.tailOutput(id, from, request.storedOnly, signal)) {
    yield outputItemOf(item);
  }
}

const KINDS = { schedule: ActorKind.SCHEDULE, node: ActorKind.NODE } as const;

/** Yields the steps of schedules and nodes after those that were seen, until the signal fires. @throws MusterError */
export async function* actorMoves(
  actors: Actors,
  { seen, former }: ActorsTopic,
  signal: AbortSignal,
): AsyncIterable<ActorsMoved> {
  const versions = seen && new Map(seen.actors.map(({ key, version }) => [key, version]));
  for await (const moved of actors.follow(versions ?? null, former, signal)) {
    yield create(ActorsMovedSchema, {
      transitions: moved.steps.map(({ kind, transition, ...step }) => ({
        ...step,
        kind: KINDS[kind],
        transition: actorTransitionOf(transition),
      })),
      versions: [...(moved.versions ?? [])].map(([key, version]) => ({ key, version })),
    });
  }
}

/** Reads an offset of a request. Numbers past 2^53 are no offset of anything that is stored. @throws MusterError */
export function offsetOf(offset: bigint, method: string, field: string): number {
  if (offset <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(offset);
  throw new MusterError(
    'invalid_argument',
    `Cannot ${actionOf(method)}: ${field} is ${offset}; it must be at most ${Number.MAX_SAFE_INTEGER}`,
  );
}
