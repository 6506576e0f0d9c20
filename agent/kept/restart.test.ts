// Kept commands and an agent that is killed, in processes of their own, operated through a session.

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { WorkerChanged } from '../../proto/gen/muster/v1/agent_service_pb.ts';
import { WorkerOperation, WorkerState } from '../../proto/gen/muster/v1/worker_pb.ts';
import { eventually } from '../../test/eventually.ts';
import { listGroup } from '../executors/process-table.ts';
import { TestSupervisor } from '../testing/supervisor.ts';
import { TestAgent } from '../testing/test-agent.ts';

let supervisor: TestSupervisor;
let agent: TestAgent;

beforeEach(async () => {
  supervisor = await TestSupervisor.start();
  agent = await TestAgent.create(supervisor);
});

afterEach(async () => {
  await agent.dispose();
  await supervisor.die();
});

async function startAgent(...flags: string[]): Promise<void> {
  const before = supervisor.sessions.length;
  agent.spawn(...flags);
  await supervisor.online(before + 1);
}

/** What the agent has said of the exporter last, in this session. */
function exporter(): WorkerChanged | undefined {
  const { hello, workers } = supervisor.session;
  return [...hello.workers, ...workers].findLast(({ name }) => name === 'exporter');
}

async function told(state: WorkerState): Promise<WorkerChanged> {
  await supervisor.until(() => exporter()?.state === state, `the exporter to be in state ${state}`);
  return exporter() as WorkerChanged;
}

const keepFlag = (tail = '') =>
  `exporter=echo >> ${join(agent.folder, 'runs')}; exec sleep 1000${tail}`;
const runs = async () => (await readFile(join(agent.folder, 'runs'), 'utf8')).length;

it.each(['SIGKILL', 'SIGTERM'] as const)(
  'goes on while its agent is ended by %s, and is found again with the same pid',
  async (signal) => {
    await startAgent('--keep', keepFlag());
    const { pid } = await told(WorkerState.BUSY);
    await eventually(async () => (await runs()) === 1, 'it runs');
    await agent.stop(signal);
    expect(listGroup(pid)).not.toEqual([]);
    await startAgent('--keep', keepFlag());
    expect(await told(WorkerState.BUSY)).toMatchObject({ pid, failures: 0 });
    expect(await runs()).toBe(1);
  },
);

it('is stopped and started by operations, and stays stopped over a restart of its agent', async () => {
  await startAgent('--keep', keepFlag());
  const { pid } = await told(WorkerState.BUSY);
  await eventually(async () => (await runs()) === 1, 'it runs');
  const operate = (operation: WorkerOperation, seq: bigint) =>
    supervisor.send({ case: 'operate', value: { worker: 'exporter', operation, seq } });
  operate(WorkerOperation.STOP, 1n);
  expect(await told(WorkerState.STOPPED)).toMatchObject({ pid: 0, operationSeq: 1n });
  expect(listGroup(pid)).toEqual([]);
  await agent.stop('SIGKILL');
  await startAgent('--keep', keepFlag());
  await told(WorkerState.STOPPED);
  operate(WorkerOperation.STOP, 1n);
  operate(WorkerOperation.START, 2n);
  expect((await told(WorkerState.BUSY)).pid).not.toBe(pid);
  await eventually(async () => (await runs()) === 2, 'it runs again');
});

it('is ended when another command or none is to be kept after a restart', async () => {
  await startAgent('--keep', keepFlag());
  const first = await told(WorkerState.BUSY);
  await agent.stop();
  await startAgent('--keep', keepFlag(' # changed'));
  const second = await told(WorkerState.BUSY);
  expect(second.pid).not.toBe(first.pid);
  expect(listGroup(first.pid)).toEqual([]);
  await agent.stop();
  await startAgent();
  expect(exporter()).toBeUndefined();
  await eventually(() => listGroup(second.pid).length === 0, 'it has ended');
  await eventually(() => !existsSync(join(agent.folder, 'kept', 'exporter')), 'nothing is left');
});
