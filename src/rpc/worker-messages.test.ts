// Workers over the API: what a page has, what an operation asks, and what an agent may say of its workers.

import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Code, type ConnectError, createClient } from '@connectrpc/connect';
import { beforeEach, describe, expect, it } from 'vitest';
import { WorkerChangedSchema } from '../../proto/gen/muster/v1/agent_service_pb.ts';
import { NodeService } from '../../proto/gen/muster/v1/node_service_pb.ts';
import {
  KeepPolicy,
  WorkerKind,
  WorkerOperation,
  WorkerState,
} from '../../proto/gen/muster/v1/worker_pb.ts';
import { MusterError } from '../../machines/errors.ts';
import { openInMemory, TOKENS } from '../http/testing/transports.ts';
import { commandOf } from './session-messages.ts';
import { StubSupervisor } from './testing/stub-supervisor.ts';
import { workerReportOf } from './worker-messages.ts';

let stub: StubSupervisor;
const client = () => createClient(NodeService, openInMemory(stub, TOKENS.user));

beforeEach(() => {
  stub = new StubSupervisor();
});

async function refusal(call: Promise<unknown>): Promise<ConnectError> {
  return await call.then(
    () => expect.unreachable(),
    (error: unknown) => error as ConnectError,
  );
}

describe('ListWorkers', () => {
  it('goes page by page, with the filter', async () => {
    const first = await client().listWorkers({ nodeId: 'a', pageSize: 2 });
    expect(first.workers.map(({ name }) => name)).toEqual(['slot-0', 'slot-1']);
    expect(first.workers[0]).toMatchObject({
      nodeId: 'a',
      kind: WorkerKind.SLOT,
      state: WorkerState.IDLE,
      connected: true,
      pending: WorkerOperation.UNSPECIFIED,
    });
    const pageToken = first.nextPageToken;
    const second = await client().listWorkers({ nodeId: 'a', pageSize: 2, pageToken });
    expect(second.workers.map(({ name }) => name)).toEqual(['slot-2']);
    expect(second.nextPageToken).toBe('');
    expect(stub.calls.at(-1)?.args).toEqual([{ nodeId: 'a' }, 3, { nodeId: 'a', name: 'slot-1' }]);
    const elsewhere = await refusal(client().listWorkers({ nodeId: 'b', pageToken }));
    expect(elsewhere.rawMessage).toContain('Cannot list workers: page_token belongs to another');
  });

  it('is of all nodes without one, and refuses what is no node id', async () => {
    await client().listWorkers({ states: [WorkerState.CRASHED, WorkerState.BACKING_OFF] });
    expect(stub.calls.at(-1)?.args).toEqual([{ states: ['backing_off', 'crashed'] }, 51, null]);
    const { code, rawMessage } = await refusal(client().listWorkers({ nodeId: 'a/b' }));
    expect([code, rawMessage]).toEqual([
      Code.InvalidArgument,
      expect.stringContaining('Cannot list workers: node_id'),
    ]);
  });
});

describe('OperateWorker', () => {
  it('asks what it is told to ask, and shows it as pending', async () => {
    const operation = WorkerOperation.RESTART;
    const { worker } = await client().operateWorker({ nodeId: 'a', worker: 'slot-1', operation });
    expect(worker).toMatchObject({ name: 'slot-1', pending: operation });
    expect(stub.calls.at(-1)?.args).toEqual([{ nodeId: 'a', name: 'slot-1' }, 'restart']);
  });

  it('refuses none, and passes on that there is no such worker', async () => {
    const none = await refusal(client().operateWorker({ nodeId: 'a', worker: 'slot-1' }));
    expect([none.code, none.rawMessage]).toEqual([
      Code.InvalidArgument,
      expect.stringContaining('Cannot operate the worker: operation'),
    ]);
    stub.failure = new MusterError('unknown_worker', 'there is none');
    const operation = WorkerOperation.STOP;
    const missing = await refusal(client().operateWorker({ nodeId: 'a', worker: 'x', operation }));
    expect(missing.code).toBe(Code.NotFound);
  });
});

describe('a session', () => {
  it('carries an operation to the agent', () => {
    const { message } = commandOf({
      kind: 'operate',
      worker: 'exporter',
      operation: 'stop',
      seq: 9,
    });
    expect(message.command).toMatchObject({
      case: 'operate',
      value: { worker: 'exporter', operation: WorkerOperation.STOP, seq: 9n },
    });
  });

  it('carries all that an agent says of a worker', () => {
    const message = create(WorkerChangedSchema, {
      name: 'exporter',
      kind: WorkerKind.KEPT,
      state: WorkerState.BACKING_OFF,
      since: timestampFromMs(1_000),
      failures: 2,
      nextStartAt: timestampFromMs(2_000),
      pid: 7,
      why: 'ended with exit code 1',
      command: './x',
      keepPolicy: KeepPolicy.ON_FAILURE,
      asked: WorkerOperation.STOP,
      operationSeq: 4n,
    });
    expect(workerReportOf(message)).toEqual({
      name: 'exporter',
      kind: 'kept',
      state: 'backing_off',
      since: 1_000,
      taskId: null,
      attempt: 0,
      failures: 2,
      nextStartAt: 2_000,
      pid: 7,
      why: 'ended with exit code 1',
      command: './x',
      keepPolicy: 'on-failure',
      asked: 'stop',
      operatedSeq: 4,
    });
  });

  it('is not broken by an agent that is older or says nonsense', () => {
    const older = create(WorkerChangedSchema, { slot: 3, state: WorkerState.CRASHED });
    expect(workerReportOf(older)).toMatchObject({ name: 'slot-3', kind: 'slot', state: 'crashed' });
    const nonsense = create(WorkerChangedSchema, {
      name: 'x',
      state: 99 as WorkerState,
      taskId: 'none',
      pid: -3,
      asked: 77 as WorkerOperation,
      operationSeq: 2n ** 60n,
    });
    expect(workerReportOf(nonsense)).toMatchObject({
      state: 'starting',
      taskId: null,
      pid: null,
      asked: null,
      operatedSeq: 2 ** 31 - 2,
    });
  });
});
