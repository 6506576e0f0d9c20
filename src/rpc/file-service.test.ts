// FileService and the transfers of attempts in memory: what reaches the supervisor, what is refused before, and to whom.
import { create, toJson } from '@bufbuild/protobuf';
import { Code, createClient } from '@connectrpc/connect';
import { beforeEach, expect, it } from 'vitest';
import { AgentService } from '../../proto/gen/muster/v1/agent_service_pb.ts';
import { FileService } from '../../proto/gen/muster/v1/file_service_pb.ts';
import { TaskSpecSchema } from '../../proto/gen/muster/v1/task_pb.ts';
import { TaskService } from '../../proto/gen/muster/v1/task_service_pb.ts';
import { openInMemory, TOKENS } from '../http/testing/transports.ts';
import { makeNodeToken } from './auth.ts';
import { StubSupervisor, taskId } from './testing/stub-supervisor.ts';

const SHA = 'a'.repeat(64);
const ID = taskId(1);

let stub: StubSupervisor;

beforeEach(() => {
  stub = new StubSupervisor();
});

const files = () => createClient(FileService, openInMemory(stub, TOKENS.user));
const tasks = () => createClient(TaskService, openInMemory(stub, TOKENS.user));
const agentOf = (nodeId: string) =>
  createClient(AgentService, openInMemory(stub, makeNodeToken(TOKENS.agent, nodeId)));

it('passes everything on', async () => {
  stub.contents.set(SHA, Buffer.from('hello'));
  expect(await files().getContent({ sha256: SHA })).toMatchObject({
    complete: true,
    storedBytes: 5n,
    sizeBytes: 5n,
  });
  const content = new Uint8Array(3);
  const chunk = { sha256: SHA, sizeBytes: 9n, offset: 6n, content };
  expect(await files().uploadChunk(chunk)).toMatchObject({ storedBytes: 9n, complete: true });
  const read = await files().readContent({ sha256: SHA, offset: 1n, limitBytes: 3 });
  expect(Buffer.from(read.content).toString()).toBe('ell');
  expect(await files().getFetchedFile({ taskId: ID.toUpperCase() })).toMatchObject({
    sizeBytes: 3n,
  });
  expect(stub.calls.map(({ name, args }) => [name, ...args])).toEqual([
    ['findContent', SHA],
    ['uploadChunk', { sha256: SHA, sizeBytes: 9, offset: 6, content }],
    ['readContent', SHA, 1, 3],
    ['fetchedFile', ID],
  ]);
});

it.each<[string, () => Promise<unknown>, string]>([
  ['no hash', () => files().getContent({ sha256: 'A'.repeat(64) }), 'it must be a SHA-256'],
  [
    'over 100 MiB',
    () => files().uploadChunk({ sha256: SHA, sizeBytes: 104_857_601n }),
    'size_bytes is 104857601; it must be from 0 to 104857600',
  ],
  [
    'a chunk over 1 MiB',
    () => files().uploadChunk({ sha256: SHA, content: new Uint8Array(2 ** 20 + 1) }),
    'content is 1048577 bytes long; it may have at most 1 MiB',
  ],
  [
    'an offset past everything',
    () => files().readContent({ sha256: SHA, offset: 2n ** 62n }),
    'it must be from 0 to 104857600',
  ],
  ['no task', () => files().getFetchedFile({ taskId: 'x' }), 'it must be a UUID'],
])('refuses %s', async (_, call, sentence) => {
  const error: unknown = await call().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: Code.InvalidArgument });
  expect((error as Error).message).toContain(sentence);
  expect(stub.calls).toEqual([]);
});

function storeSpec(operation: object): void {
  const action = { case: 'file' as const, value: { path: '/etc/motd', operation } };
  stub.specs.set(ID, toJson(TaskSpecSchema, create(TaskSpecSchema, { action } as never)));
}

it('gives an attempt the content of its own spec, whatever it asks for', async () => {
  stub.contents.set(SHA, Buffer.from('hello'));
  storeSpec({ case: 'put', value: { sha256: SHA, sizeBytes: 5n } });
  const request = { taskId: ID.toUpperCase(), attempt: 2, offset: 1n };
  const { content } = await agentOf('web-1').readAttemptContent(request);
  expect(Buffer.from(content).toString()).toBe('ello');
  expect(stub.calls[0]).toEqual({
    name: 'specOfAttempt',
    args: [{ nodeId: 'web-1', taskId: ID, attempt: 2 }],
  });
  await expect(
    agentOf('web-1').storeAttemptContent({ taskId: ID, attempt: 2, sha256: SHA }),
  ).rejects.toThrow('the task on /etc/motd does not fetch it');
});

it('stores what an attempt fetches, and gives it nothing', async () => {
  storeSpec({ case: 'get', value: {} });
  const chunk = { sha256: SHA, sizeBytes: 9n, offset: 6n, content: new Uint8Array(3) };
  const answer = await agentOf('web-1').storeAttemptContent({ taskId: ID, attempt: 1, ...chunk });
  expect(answer).toMatchObject({ storedBytes: 9n, complete: true });
  expect(stub.calls.at(-1)).toMatchObject({ name: 'storeChunk' });
  await expect(agentOf('web-1').readAttemptContent({ taskId: ID, attempt: 1 })).rejects.toThrow(
    'the task on /etc/motd puts no content there',
  );
});

it('transfers nothing for a task that does nothing to a file', async () => {
  await expect(agentOf('web-1').readAttemptContent({ taskId: ID, attempt: 1 })).rejects.toThrow(
    `task ${ID} does nothing to a file`,
  );
});

it('takes a put with its content, and names the task after what it does', async () => {
  const put = { sha256: SHA, sizeBytes: 5n, mode: '0640', owner: 'app', group: '33' };
  const operation = { case: 'put' as const, value: put };
  const action = { case: 'file' as const, value: { path: '/etc/motd', operation } };
  const target = { kind: { case: 'nodeId' as const, value: 'web-1' } };
  await tasks().createTask({ spec: { target, action } });
  expect(stub.calls[0]?.args[0]).toEqual([
    expect.objectContaining({
      type: 'file',
      name: 'put /etc/motd',
      content: { sha256: SHA, sizeBytes: 5 },
    }),
  ]);
});

const LONG = `/${'x'.repeat(80)}/é.conf`;

it.each([
  ['/etc/motd', 'stat /etc/motd'],
  ['/a/..b/...', 'stat /a/..b/...'],
  [LONG, `stat …${LONG.slice(-52)}`],
])('takes the path %s', async (path, name) => {
  const operation = { case: 'stat' as const, value: {} };
  const target = { kind: { case: 'any' as const, value: {} } };
  await tasks().createTask({
    spec: { target, action: { case: 'file', value: { path, operation } } },
  });
  expect(stub.calls[0]?.args[0]).toEqual([expect.objectContaining({ name })]);
});

it.each([
  '',
  'etc/motd',
  '/',
  '/etc/',
  '//etc',
  '/etc/../x',
  '/..',
  '/.',
  '/a/./b',
  '/a\n',
  '/a\0b',
])('refuses the path %j', async (path) => {
  const operation = { case: 'stat' as const, value: {} };
  const target = { kind: { case: 'any' as const, value: {} } };
  const call = tasks().createTask({
    spec: { target, action: { case: 'file', value: { path, operation } } },
  });
  await expect(call).rejects.toMatchObject({ code: Code.InvalidArgument });
});
