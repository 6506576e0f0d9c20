/**
 * LiveService: many subscriptions over one stream.
 *
 * A stream is known here only while it is open, by a random name that nobody else is told; whoever loses it opens another and
 * subscribes again. Lists of nodes, schedules and workers, for which no stream of their own exists, are looked at now and then, and told where
 * they differ.
 */
import { randomUUID } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import type { ConnectRouter } from '@connectrpc/connect';
import { MusterError } from '../../machines/errors.ts';
import {
  LiveService,
  OpenStreamResponseSchema,
  type SubscribeRequest,
} from '../../proto/gen/muster/v1/live_service_pb.ts';
import { NodeSchema } from '../../proto/gen/muster/v1/node_pb.ts';
import { ScheduleSchema } from '../../proto/gen/muster/v1/schedule_pb.ts';
import { WorkerSchema } from '../../proto/gen/muster/v1/worker_pb.ts';
import type { Clock } from '../process/clock.ts';
import type { Logger } from '../process/log.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import { actionOf } from './actions.ts';
import { actorMoves, outputItems, taskChanges } from './following.ts';
import { LiveStream, MAX_SUBSCRIPTIONS } from './live-stream.ts';
import type { LiveMessage } from './live-stream.ts';
import { Bell, LOOK_PAGE, type Looked, looks } from './looking.ts';
import { nodeOf } from './node-messages.ts';
import { scheduleOf } from './schedule-messages.ts';
import { untilStopping } from './stopping.ts';
import { workerOf } from './worker-messages.ts';

export function routeLiveService(
  router: ConnectRouter,
  supervisor: Supervisor,
  clock: Clock,
  log: Logger,
  stopping: AbortSignal,
): void {
  const streams = new Map<string, LiveStream>();
  const streamOf = (id: string, method: string) => {
    const stream = streams.get(id);
    if (stream !== undefined) return stream;
    const message = `Cannot ${actionOf(method)}: stream ${id} is not open here; open another one`;
    throw new MusterError('unknown_stream', message);
  };
  router.service(LiveService, {
    async *openStream(_, context) {
      const id = randomUUID();
      const stream = new LiveStream(clock);
      streams.set(id, stream);
      try {
        yield create(OpenStreamResponseSchema, {
          message: { case: 'opened', value: { streamId: id } },
        });
        yield* untilStopping(context.signal, stopping, (signal) => stream.read(signal));
      } finally {
        streams.delete(id);
      }
    },
    subscribe(request) {
      const { streamId, subscriptionId } = request;
      const stream = streamOf(streamId, 'Subscribe');
      if (!stream.canAdd(subscriptionId)) {
        const message = `Cannot ${actionOf('Subscribe')}: the stream has ${MAX_SUBSCRIPTIONS} subscriptions; end some first`;
        throw new MusterError('resource_exhausted', message);
      }
      stream.subscribe(
        subscriptionId,
        (signal) => follow(supervisor, clock, request, signal),
        (thrown) => {
          if (thrown instanceof MusterError) return thrown.message;
          log.error('a subscription failed', { topic: request.topic.case ?? '', why: thrown });
          return 'something went wrong inside Muster; the log of the supervisor says what';
        },
      );
      return {};
    },
    unsubscribe({ streamId, subscriptionId }) {
      streams.get(streamId)?.unsubscribe(subscriptionId);
      return {};
    },
  });
}

async function* follow(
  { tasks, nodes, schedules, workers, actors }: Supervisor,
  clock: Clock,
  { topic }: SubscribeRequest,
  signal: AbortSignal,
): AsyncIterable<LiveMessage> {
  switch (topic.case) {
    case 'tasks':
      for await (const value of taskChanges(tasks, topic.value, signal))
        yield { case: 'task', value };
      return;
    case 'output':
      for await (const value of outputItems(tasks, topic.value, signal))
        yield { case: 'output', value };
      return;
    case 'nodes':
      for await (const { changed, goneIds } of looks(nodeList(nodes), clock, signal))
        yield { case: 'nodes', value: { nodes: changed, deletedIds: goneIds } };
      return;
    case 'schedules':
      for await (const { changed, goneIds } of looks(scheduleList(schedules), clock, signal))
        yield { case: 'schedules', value: { schedules: changed, deletedIds: goneIds } };
      return;
    case 'workers':
      yield* workerChanges(workers, topic.value.nodeId, clock, signal);
      return;
    case 'actors':
      for await (const value of actorMoves(actors, topic.value, signal))
        yield { case: 'actors', value };
      return;
    case undefined:
      return;
  }
}

function nodeList(nodes: Supervisor['nodes']): Looked<typeof NodeSchema> {
  return {
    schema: NodeSchema,
    list: async (after) => (await nodes.list({}, LOOK_PAGE, after)).map(nodeOf),
    keyOf: ({ id }) => id,
    idOf: ({ id }) => id,
  };
}

function scheduleList(schedules: Supervisor['schedules']): Looked<typeof ScheduleSchema> {
  return {
    schema: ScheduleSchema,
    list: async (after) => (await schedules.list(LOOK_PAGE, after)).map(scheduleOf),
    keyOf: ({ spec }) => spec?.name ?? '',
    idOf: ({ id }) => id,
  };
}

/** What the agents of this supervisor tell is seen at once, what other supervisors hear with the next look. */
async function* workerChanges(
  workers: Supervisor['workers'],
  nodeId: string,
  clock: Clock,
  signal: AbortSignal,
): AsyncIterable<LiveMessage> {
  const bell = new Bell();
  const end = workers.onChange(nodeId, bell.ring);
  const list: Looked<typeof WorkerSchema> = {
    schema: WorkerSchema,
    list: async (name) => {
      const after = name === null ? null : { nodeId, name };
      return (await workers.list({ nodeId }, LOOK_PAGE, after)).map(workerOf);
    },
    keyOf: ({ name }) => name,
    idOf: ({ name }) => name,
  };
  try {
    for await (const { changed, goneIds } of looks(list, clock, signal, bell))
      yield { case: 'workers', value: { workers: changed, deletedNames: goneIds } };
  } finally {
    end();
  }
}
