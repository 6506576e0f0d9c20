/**
 * LiveService: many subscriptions over one stream.
 *
 * A stream is known here only while it is open, by a random name that nobody else is told; whoever loses it opens another and
 * subscribes again. Lists of nodes and schedules, for which no stream of their own exists, are looked at every two seconds, and told where
 * they differ.
 */
import { randomUUID } from 'node:crypto';
import { create, equals, type DescMessage, type MessageShape } from '@bufbuild/protobuf';
import type { ConnectRouter } from '@connectrpc/connect';
import { MusterError } from '../../machines/errors.ts';
import {
  LiveService,
  OpenStreamResponseSchema,
  type SubscribeRequest,
} from '../../proto/gen/muster/v1/live_service_pb.ts';
import { NodeSchema } from '../../proto/gen/muster/v1/node_pb.ts';
import { ScheduleSchema } from '../../proto/gen/muster/v1/schedule_pb.ts';
import type { Clock } from '../process/clock.ts';
import { sleep } from '../process/clock.ts';
import type { Logger } from '../process/log.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import { actionOf } from './actions.ts';
import { actorMoves, outputItems, taskChanges } from './following.ts';
import { LiveStream, MAX_SUBSCRIPTIONS } from './live-stream.ts';
import type { LiveMessage } from './live-stream.ts';
import { nodeOf } from './node-messages.ts';
import { scheduleOf } from './schedule-messages.ts';
import { untilStopping } from './stopping.ts';

const LOOK_INTERVAL_MS = 2_000;
const PAGE = 1_000;

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
  { tasks, nodes, schedules, actors }: Supervisor,
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
    case 'nodes': {
      const list = async (after: string | null) => (await nodes.list({}, PAGE, after)).map(nodeOf);
      for await (const { changed, deletedIds } of looked(NodeSchema, list, clock, signal)) {
        yield { case: 'nodes', value: { nodes: changed, deletedIds } };
      }
      return;
    }
    case 'schedules': {
      const list = async (after: string | null) =>
        (await schedules.list(PAGE, after)).map(scheduleOf);
      const named = (one: { spec?: { name: string } | undefined }) => one.spec?.name ?? '';
      for await (const { changed, deletedIds } of looked(
        ScheduleSchema,
        list,
        clock,
        signal,
        named,
      )) {
        yield { case: 'schedules', value: { schedules: changed, deletedIds } };
      }
      return;
    }
    case 'actors':
      for await (const value of actorMoves(actors, topic.value, signal))
        yield { case: 'actors', value };
      return;
    case undefined:
      return;
  }
}

/**
 * Yields what is new or different since the look before; at first all.
 *
 * @param list a page of what comes after a key
 * @param keyOf what the list is sorted by; default the id
 */
async function* looked<D extends DescMessage>(
  schema: D,
  list: (after: string | null) => Promise<(MessageShape<D> & { id: string })[]>,
  clock: Clock,
  signal: AbortSignal,
  keyOf: (one: MessageShape<D> & { id: string }) => string = ({ id }) => id,
): AsyncIterable<{ changed: (MessageShape<D> & { id: string })[]; deletedIds: string[] }> {
  let known: Map<string, MessageShape<D> & { id: string }> | null = null;
  while (!signal.aborted) {
    const found = new Map<string, MessageShape<D> & { id: string }>();
    for (let after: string | null = null; ; ) {
      const page: (MessageShape<D> & { id: string })[] = await list(after);
      for (const one of page) found.set(one.id, one);
      const last = page.at(-1);
      if (page.length < PAGE || last === undefined) break;
      after = keyOf(last);
    }
    const before: Map<string, MessageShape<D> & { id: string }> = known ?? new Map();
    const changed = [...found.values()].filter((one) => {
      const former = before.get(one.id);
      return former === undefined || !equals(schema, former, one);
    });
    const deletedIds = [...before.keys()].filter((id) => !found.has(id));
    if (known === null || changed.length > 0 || deletedIds.length > 0)
      yield { changed, deletedIds };
    known = found;
    await sleep(clock, LOOK_INTERVAL_MS, signal);
  }
}
