/** LiveService against a real supervisor, over HTTP/2. */
import { type Client, Code, ConnectError, createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { afterEach, expect, it } from 'vitest';
import { LiveService, type OpenStreamResponse } from '../../proto/gen/muster/v1/live_service_pb.ts';
import { TaskState } from '../../proto/gen/muster/v1/task_pb.ts';
import { eventually } from '../../test/eventually.ts';
import { startTestServer, type TestServer } from '../http/testing/test-server.ts';
import { bearer, TOKENS } from '../http/testing/transports.ts';
import { WorkerOperation, WorkerState } from '../../proto/gen/muster/v1/worker_pb.ts';
import { SimulatedClock } from '../process/clock.ts';
import { ScriptedAgent } from '../supervisor/scripted-agent.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import { caller, create, draft, useBench } from '../supervisor/testing/test-bench.ts';
import { workerChanged, workerReport } from '../supervisor/testing/worker-report.ts';
import { WorkingAgent } from '../supervisor/testing/working-agent.ts';
import { MAX_SUBSCRIPTIONS } from './live-stream.ts';

const bench = useBench();
const cleaning: (() => unknown)[] = [];

afterEach(async () => {
  for (const clean of cleaning.splice(0).reverse()) await clean();
});

interface Setting {
  readonly supervisor: Supervisor;
  readonly server: TestServer;
  readonly clock: SimulatedClock;
  readonly live: Client<typeof LiveService>;
}

async function start(): Promise<Setting> {
  const supervisor = await bench.start();
  const clock = new SimulatedClock();
  const server = await startTestServer({ supervisor, tokens: TOKENS, clock });
  cleaning.push(async () => {
    const closed = server.close(0);
    // It waits by this clock.
    clock.advance(1);
    await closed;
  });
  const interceptors = [bearer(TOKENS.user)];
  const transport = createConnectTransport({ baseUrl: server.url, httpVersion: '2', interceptors });
  return { supervisor, server, clock, live: createClient(LiveService, transport) };
}

/** A stream that collects until the test is over. */
class Reader {
  readonly messages: OpenStreamResponse[] = [];
  end: ConnectError | null = null;
  readonly #leaving = new AbortController();

  static async open(live: Client<typeof LiveService>): Promise<Reader> {
    const reader = new Reader();
    void reader.#collect(live);
    cleaning.push(() => reader.leave());
    await eventually(() => reader.messages.length > 0, 'the stream is open');
    return reader;
  }

  async #collect(live: Client<typeof LiveService>): Promise<void> {
    try {
      for await (const one of live.openStream({}, { signal: this.#leaving.signal })) {
        this.messages.push(one);
      }
    } catch (error) {
      this.end = ConnectError.from(error);
    }
  }

  leave(): void {
    this.#leaving.abort();
  }

  get streamId(): string {
    const message = this.messages[0]?.message;
    return message?.case === 'opened' ? message.value.streamId : '';
  }

  /** The messages of one subscription. */
  of(subscriptionId: string) {
    return this.messages
      .filter((one) => one.subscriptionId === subscriptionId)
      .map(({ message }) => message);
  }
}

const refusal = async (promise: Promise<unknown>): Promise<ConnectError> =>
  await promise.then(
    () => new ConnectError('it was not refused', Code.Unknown),
    (error: unknown) => ConnectError.from(error),
  );

it('follows several things over one stream', async () => {
  const { supervisor, live } = await start();
  const reader = await Reader.open(live);
  const { streamId } = reader;
  const ids = await create(
    supervisor,
    draft(null, {}, { held: true }),
    draft(null, {}, { held: true }),
  );
  for (const [index, id] of ids.entries()) {
    const value = { filter: { ids: [id] } };
    await live.subscribe({
      streamId,
      subscriptionId: `s${index}`,
      topic: { case: 'tasks', value },
    });
  }
  const states = (name: string) =>
    reader.of(name).map((one) => (one.case === 'task' ? one.value.task?.state : one.case));
  await eventually(() => states('s0').length === 1 && states('s1').length === 1, 'both begin');
  await supervisor.tasks.cancel(ids[1] ?? '', '', caller);
  await eventually(() => states('s1').at(-1) === TaskState.CANCELLED, 'the change comes');
  expect(states('s0')).toEqual([TaskState.PENDING]);

  await live.unsubscribe({ streamId, subscriptionId: 's0' });
  await supervisor.tasks.cancel(ids[0] ?? '', '', caller);
  const [third = ''] = await create(supervisor, draft(null, {}, { held: true }));
  const value = { filter: { ids: [third] } };
  await live.subscribe({ streamId, subscriptionId: 's2', topic: { case: 'tasks', value } });
  await eventually(() => states('s2').length === 1, 'what was subscribed later comes');
  expect(states('s0')).toEqual([TaskState.PENDING]);
});

it('puts a subscription in the place of the one of the same name', async () => {
  const { supervisor, live } = await start();
  const reader = await Reader.open(live);
  const { streamId } = reader;
  const [first = '', second = ''] = await create(
    supervisor,
    draft(null, {}, { held: true }),
    draft(null, {}, { held: true }),
  );
  for (const id of [first, second]) {
    const value = { filter: { ids: [id] } };
    await live.subscribe({ streamId, subscriptionId: 'same', topic: { case: 'tasks', value } });
  }
  const ids = () => reader.of('same').map((one) => (one.case === 'task' ? one.value.task?.id : ''));
  await eventually(() => ids().at(-1) === second, 'the second is followed');
  await supervisor.tasks.cancel(first, '', caller);
  await supervisor.tasks.cancel(second, '', caller);
  await eventually(() => ids().filter((id) => id === second).length === 2, 'its change comes');
  expect(ids().filter((id) => id === first).length).toBeLessThan(2);
});

it('says in a sentence why a subscription is over', async () => {
  const { live } = await start();
  const reader = await Reader.open(live);
  const id = '0198c6e2-0000-7000-8000-000000000001';
  await live.subscribe({
    streamId: reader.streamId,
    subscriptionId: 'a',
    topic: { case: 'output', value: { id } },
  });
  await eventually(() => reader.of('a').length === 1, 'it has ended');
  const [message] = reader.of('a');
  expect(message?.case === 'ended' && message.value.why).toContain(`There is no task ${id}`);
});

it('refuses what it cannot follow', async () => {
  const { live } = await start();
  const { streamId } = await Reader.open(live);
  const topic = { case: 'nodes', value: {} } as const;
  const elsewhere = '0198c6e2-0000-4000-8000-000000000001';
  const unknown = await refusal(
    live.subscribe({ streamId: elsewhere, subscriptionId: 'a', topic }),
  );
  expect(unknown.code).toBe(Code.NotFound);
  expect(unknown.rawMessage).toContain(`stream ${elsewhere} is not open here`);
  const nothing = await refusal(live.subscribe({ streamId, subscriptionId: 'a' }));
  expect(nothing.code).toBe(Code.InvalidArgument);
  for (let number = 0; number < MAX_SUBSCRIPTIONS; number += 1) {
    await live.subscribe({ streamId, subscriptionId: `s${number}`, topic });
  }
  const tooMany = await refusal(live.subscribe({ streamId, subscriptionId: 'more', topic }));
  expect(tooMany.code).toBe(Code.ResourceExhausted);
  expect(tooMany.rawMessage).toContain(`${MAX_SUBSCRIPTIONS} subscriptions`);
});

it('tells of all nodes first, and then of those that are new, different or gone', async () => {
  const { supervisor, clock, live } = await start();
  const agent = new WorkingAgent('web-1');
  await agent.connect(supervisor);
  cleaning.push(() => agent.disconnect());
  const reader = await Reader.open(live);
  const topic = { case: 'nodes', value: {} } as const;
  await live.subscribe({ streamId: reader.streamId, subscriptionId: 'n', topic });
  const last = () => {
    const message = reader.of('n').at(-1);
    return message?.case === 'nodes' ? message.value : null;
  };
  const looks = async (condition: () => boolean, what: string) =>
    await eventually(() => {
      clock.advance(2_000);
      return condition();
    }, what);
  await eventually(() => last()?.nodes.length === 1, 'all come at once');
  await supervisor.nodes.updateLabels('web-1', { set: { role: 'web' }, remove: [] });
  await looks(() => last()?.nodes[0]?.labels['role'] === 'web', 'the change comes');
  agent.disconnect(true);
  await looks(() => last()?.nodes[0]?.state === 3, 'it is offline');
  await supervisor.nodes.delete('web-1');
  await looks(() => last()?.deletedIds.join() === 'web-1', 'it is gone');
});

it('tells of the workers of a node as soon as they are stored or operated', async () => {
  const { supervisor, live } = await start();
  const agent = new ScriptedAgent('web-1');
  await agent.connect(supervisor, { slots: 1, workers: [workerReport('slot-0')] });
  cleaning.push(() => agent.disconnect());
  const reader = await Reader.open(live);
  const { streamId } = reader;
  const topicOf = (nodeId: string) => ({ case: 'workers', value: { nodeId } }) as const;
  await live.subscribe({ streamId, subscriptionId: 'w', topic: topicOf('web-1') });
  const last = () => {
    const message = reader.of('w').at(-1);
    return message?.case === 'workers' ? message.value : null;
  };
  const nameIs = (name: string, state: WorkerState) =>
    last()?.workers.some((one) => one.name === name && one.state === state) ?? false;
  // The clock of the looks stands still: what comes does not wait for its time.
  await eventually(() => nameIs('slot-0', WorkerState.IDLE), 'all come at first');
  agent.tell(workerChanged('slot-0', 'crashed'));
  await eventually(() => nameIs('slot-0', WorkerState.CRASHED), 'the change comes');
  await supervisor.workers.operate({ nodeId: 'web-1', name: 'slot-0' }, 'start');
  await eventually(
    () => last()?.workers[0]?.pending === WorkerOperation.START,
    'what is asked comes',
  );
  await agent.connect(supervisor, { slots: 1, workers: [workerReport('slot-1')] });
  await eventually(() => last()?.deletedNames.join() === 'slot-0', 'one is gone');
  await live.subscribe({ streamId, subscriptionId: 'x', topic: topicOf('nobody') });
  await eventually(() => reader.of('x').length === 1, 'an unknown node is refused');
  const [message] = reader.of('x');
  expect(message?.case === 'ended' && message.value.why).toBe('Node nobody is unknown');
});

it('forgets a stream that nobody reads any more', async () => {
  const { live } = await start();
  const reader = await Reader.open(live);
  reader.leave();
  const topic = { case: 'nodes', value: {} } as const;
  await eventually(async () => {
    const { streamId } = reader;
    const { code } = await refusal(live.subscribe({ streamId, subscriptionId: 'a', topic }));
    return code === Code.NotFound;
  }, 'the stream is closed');
});

it('ends with the process, and says so', async () => {
  const { server, live } = await start();
  const reader = await Reader.open(live);
  server.stop();
  await eventually(() => reader.end !== null, 'the stream ends');
  expect(reader.end?.code).toBe(Code.Unavailable);
  expect(reader.end?.rawMessage).toContain('this supervisor is stopping');
});
