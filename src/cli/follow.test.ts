// Output across lost connections: every byte once, whatever a stream repeats or leaves out.
import type { MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError, createClient, createRouterTransport } from '@connectrpc/connect';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FileService } from '../../proto/gen/muster/v1/file_service_pb.ts';
import { GroupService } from '../../proto/gen/muster/v1/group_service_pb.ts';
import { LiveService } from '../../proto/gen/muster/v1/live_service_pb.ts';
import { MachineService } from '../../proto/gen/muster/v1/machine_service_pb.ts';
import { NodeService } from '../../proto/gen/muster/v1/node_service_pb.ts';
import { ScheduleService } from '../../proto/gen/muster/v1/schedule_service_pb.ts';
import { OutputStream, TaskState } from '../../proto/gen/muster/v1/task_pb.ts';
import type {
  TailOutputRequest,
  TailOutputResponseSchema,
} from '../../proto/gen/muster/v1/output_pb.ts';
import { TaskService } from '../../proto/gen/muster/v1/task_service_pb.ts';
import type { Connection } from './connection.ts';
import { followOutput } from './follow.ts';
import { Reconnect } from './reconnect.ts';

type Item = MessageInitShape<typeof TailOutputResponseSchema>;

const END: Item = {
  item: { case: 'task', value: { id: 'x', state: TaskState.COMPLETED, attempt: 1 } },
};
const LOST = new ConnectError('lost', Code.Unavailable);

function chunk(
  attempt: number,
  offset: number,
  text: string,
  stream: OutputStream = OutputStream.STDOUT,
): Item {
  const value = { attempt, offset: BigInt(offset), content: Buffer.from(text), stream };
  return { item: { case: 'chunk', value } };
}

/** Serves one list of items for each call; LOST breaks the stream. */
function follow(calls: (Item | ConnectError)[][], attempt?: number) {
  const requests: TailOutputRequest[] = [];
  const transport = createRouterTransport(({ service }) => {
    service(TaskService, {
      async *tailOutput(request) {
        requests.push(request);
        for (const item of calls.shift() ?? [END]) {
          if (item instanceof ConnectError) throw item;
          yield item;
        }
      },
    });
  });
  const connection: Connection = {
    url: 'http://x',
    tasks: createClient(TaskService, transport),
    nodes: createClient(NodeService, transport),
    groups: createClient(GroupService, transport),
    schedules: createClient(ScheduleService, transport),
    files: createClient(FileService, transport),
    machines: createClient(MachineService, transport),
    live: createClient(LiveService, transport),
    explain: (error) => error.rawMessage,
  };
  const written: string[] = [];
  const parts = {
    nowMs: () => 0,
    random: () => 0,
    sleep: async () => undefined,
    say: async () => undefined,
  };
  const done = followOutput(
    connection,
    new Reconnect(connection, parts),
    { id: 'x', attempt, waits: true },
    {
      chunk: async ({ attempt: number, content }) => {
        written.push(`${number}:${Buffer.from(content).toString()}`);
      },
      dropped: async (number, bytes) => {
        written.push(`${number}:dropped ${bytes}`);
      },
      expired: async (number, bytes) => {
        written.push(`${number}:expired ${bytes}`);
      },
    },
  );
  return { done, written, requests };
}

test('after a lost connection it asks from where it was, on both streams', async () => {
  const { done, written, requests } = follow([
    [chunk(1, 0, 'abc'), chunk(1, 0, 'err', OutputStream.STDERR), LOST],
    [chunk(1, 3, 'def'), END],
  ]);
  await done;
  expect(written).toEqual(['1:abc', '1:err', '1:def']);
  expect(requests[1]).toMatchObject({ attempt: 1, stdoutOffset: 3n, stderrOffset: 3n });
});

test('what comes twice is written once, also in part', async () => {
  const { done, written } = follow([
    [chunk(1, 0, 'abc'), chunk(1, 0, 'abc'), chunk(1, 1, 'bcd'), END],
  ]);
  await done;
  expect(written).toEqual(['1:abc', '1:d']);
});

test('bytes that are missing are told', async () => {
  const { done, written } = follow([[chunk(1, 0, 'abc'), chunk(1, 10, 'xyz'), END]]);
  await done;
  expect(written).toEqual(['1:abc', '1:dropped 7', '1:xyz']);
});

test('a new attempt begins at 0, and what an earlier one still says is left out', async () => {
  const { done, written, requests } = follow([
    [chunk(1, 0, 'one'), chunk(2, 0, 'two'), chunk(1, 3, 'late'), LOST],
    [END],
  ]);
  await done;
  expect(written).toEqual(['1:one', '2:two']);
  expect(requests[1]).toMatchObject({ attempt: 2, stdoutOffset: 3n, stderrOffset: 0n });
});

test('what an attempt has dropped is told once, at its end', async () => {
  const dropped = (bytes: bigint): Item => ({
    item: { case: 'dropped', value: { attempt: 1, bytes } },
  });
  const { done, written } = follow([
    [chunk(1, 0, 'abc'), dropped(5n), LOST],
    [dropped(5n), dropped(9n), chunk(2, 0, 'two'), END],
  ]);
  await done;
  expect(written).toEqual(['1:abc', '1:dropped 9', '2:two']);
});

test('what of each attempt has expired is told once, at its end', async () => {
  const expired = (attempt: number, bytes: bigint): Item => ({
    item: { case: 'expired', value: { attempt, bytes } },
  });
  const { done, written } = follow([
    [expired(1, 5n), LOST],
    [expired(1, 5n), expired(2, 7n), END],
  ]);
  await done;
  expect(written).toEqual(['1:expired 5', '2:expired 7']);
});

test('one attempt only ends where the next one begins', async () => {
  const { done, written } = follow([[chunk(2, 0, 'two'), chunk(3, 0, 'three'), END]], 2);
  expect(await done).toBeUndefined();
  expect(written).toEqual(['2:two']);
});

test('a stream that ends without the end of the task is asked again', async () => {
  const { done, requests } = follow([
    [chunk(1, 0, 'abc')],
    [{ item: { case: 'task', value: { id: 'x', state: TaskState.RUNNING } } }],
    [END],
  ]);
  expect((await done)?.state).toBe(TaskState.COMPLETED);
  expect(requests).toHaveLength(3);
});

test('what the supervisor refuses is not asked again', async () => {
  const { done, requests } = follow([[new ConnectError('there is no such task', Code.NotFound)]]);
  await expect(done).rejects.toThrow('there is no such task');
  expect(requests).toHaveLength(1);
});

test('any cutting, repeating and breaking of a stream gives its bytes once', async () => {
  const text = 'abcdefghijklmnopqrstuvwxyz';
  const piece = fc.tuple(fc.nat(25), fc.integer({ min: 1, max: 26 }));
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(piece, { maxLength: 5 }), { maxLength: 5 }),
      async (calls) => {
        let sent = 0;
        const script = calls.map((pieces) => [
          ...pieces.map(([from, size]) => {
            const start = Math.min(from, sent);
            sent = Math.max(sent, Math.min(26, start + size));
            return chunk(1, start, text.slice(start, start + size));
          }),
          LOST,
        ]);
        const { done, written } = follow([...script, [chunk(1, sent, text.slice(sent)), END]]);
        await done;
        expect(written.map((one) => one.slice(2)).join('')).toBe(text);
      },
    ),
    { numRuns: 50 },
  );
});
