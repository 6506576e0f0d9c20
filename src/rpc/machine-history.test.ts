/** MachineService: how often edges are taken, and the definitions that have run. */
import { type Client, Code, ConnectError, createClient } from '@connectrpc/connect';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { expect, it } from 'vitest';
import { createHash } from 'node:crypto';
import { storeMachineVersions } from '../../db/machine-versions.ts';
import { addStepCounts } from '../../db/step-counts.ts';
import { MachineForm, MachineService } from '../../proto/gen/muster/v1/machine_service_pb.ts';
import { eventually } from '../../test/eventually.ts';
import { openInMemory, TOKENS } from '../http/testing/transports.ts';
import { RUNNING_DEFINITIONS } from '../supervisor/machines.ts';
import type { MachineDefinition, Supervisor } from '../supervisor/supervisor.ts';
import { caller, create, draft, reaches, useBench } from '../supervisor/testing/test-bench.ts';
import { WorkingAgent } from '../supervisor/testing/working-agent.ts';

const bench = useBench();

const HOUR = 3_600_000;

async function start(): Promise<{
  supervisor: Supervisor;
  machines: Client<typeof MachineService>;
}> {
  const supervisor = await bench.start();
  return {
    supervisor,
    machines: createClient(MachineService, openInMemory(supervisor, TOKENS.user)),
  };
}

const codeOf = async (promise: Promise<unknown>): Promise<Code | null> =>
  await promise.then(
    () => null,
    (error: unknown) => ConnectError.from(error).code,
  );

/** The counts of the task machine, as `from>to event` with the number. */
async function taskCounts(machines: Client<typeof MachineService>, windowMs?: number) {
  const window = windowMs === undefined ? {} : { window: durationFromMs(windowMs) };
  const [counts] = (await machines.getMachineCounts({ name: 'task', ...window })).machines;
  const edges = counts?.edges ?? [];
  return Object.fromEntries(
    edges.map(({ from, to, event, count }) => [`${from}>${to} ${event}`, Number(count)]),
  );
}

it('counts the edges that tasks have taken', async () => {
  const { supervisor, machines } = await start();
  const agent = new WorkingAgent('web-1');
  await agent.connect(supervisor);
  const ids = await create(supervisor, draft('web-1'), draft('web-1'));
  const [bad = ''] = await create(supervisor, draft('web-1', {}, { held: true }));
  agent.exitCodeOf = ({ taskId }) => (taskId === bad ? 1 : 0);
  await supervisor.tasks.execute(bad, caller);
  for (const id of ids) await reaches(supervisor, id, 'completed');
  await reaches(supervisor, bad, 'failed');
  await eventually(
    async () => (await taskCounts(machines))['running>failed attempt.exited'] === 1,
    'what was counted is written',
  );
  expect(await taskCounts(machines)).toMatchObject({
    'pending.created>pending.queued task.created': 2,
    'pending.created>pending.held task.created': 1,
    'pending.queued>running.dispatched attempt.dispatched': 3,
    'running.dispatched>running.executing attempt.started': 3,
    'running>completed attempt.exited': 2,
    'running>failed attempt.exited': 1,
  });
});

it('counts within a window, and apart what took no edge', async () => {
  const { machines } = await start();
  const made = (minutesAgo: number, event: string, to: string, steps: number) => ({
    machine: 'task',
    from: 'pending.held',
    event,
    to,
    minuteAt: Math.floor(Date.now() / 60_000 - minutesAgo) * 60_000,
    steps,
  });
  await addStepCounts(bench.sql, [
    made(5, 'cancel.requested', 'cancelled', 2),
    made(300, 'cancel.requested', 'cancelled', 40),
    made(5, 'cancel.requested', 'pending.held', 7),
    made(5, 'of.a.former.definition', 'pending.nowhere', 1),
  ]);
  expect(await taskCounts(machines)).toEqual({ 'pending>cancelled cancel.requested': 2 });
  expect(await taskCounts(machines, 24 * HOUR)).toEqual({
    'pending>cancelled cancel.requested': 42,
  });
  const all = (await machines.getMachineCounts({})).machines;
  expect(all.map(({ name, otherSteps }) => [name, otherSteps])).toEqual([
    ['task', 8n],
    ['fan_out', 0n],
    ['schedule', 0n],
    ['node', 0n],
  ]);
  // Agents keep these to themselves.
  expect((await machines.getMachineCounts({ name: 'session' })).machines).toEqual([]);
  expect(await codeOf(machines.getMachineCounts({ name: 'nothing' }))).toBe(Code.NotFound);
  const tooLong = machines.getMachineCounts({ window: durationFromMs(49 * HOUR) });
  expect(await codeOf(tooLong)).toBe(Code.InvalidArgument);
});

/** The schedule machine as it may have been: with a state that is no more. */
function formerSchedule(version: string): MachineDefinition {
  const json = JSON.stringify({
    id: 'schedule',
    version,
    initial: 'active',
    states: {
      active: { on: { 'pause.requested': { target: 'resting', actions: 'rest' } } },
      resting: { on: { 'resume.requested': 'active' } },
    },
  });
  return {
    machine: 'schedule',
    version,
    hash: createHash('sha256').update(json).digest('hex'),
    json,
  };
}

it('lists every definition that ever ran, and shows former ones as it shows those that run', async () => {
  const former = formerSchedule('0');
  await storeMachineVersions(bench.sql, [former]);
  const { machines } = await start();
  const { versions } = await machines.listMachineVersions({ name: 'schedule' });
  expect(
    versions.map(({ version, hash, running }) => [version, hash === former.hash, running]),
  ).toEqual([
    ['1', false, true],
    ['0', true, false],
  ]);
  expect(versions.every(({ firstSeenAt }) => Number(firstSeenAt?.seconds) > 0)).toBe(true);
  expect((await machines.listMachineVersions({})).versions).toHaveLength(
    RUNNING_DEFINITIONS.length + 1,
  );
  for (const version of ['0', former.hash, former.hash.slice(0, 12).toUpperCase()]) {
    const shown = await machines.getMachine({ name: 'schedule', version });
    expect(shown.version).toMatchObject({ hash: former.hash, running: false });
    expect(shown.machine?.states.map(({ path }) => path)).toEqual(['active', 'resting']);
    expect(shown.machine?.edges.every(({ points }) => points.length >= 2)).toBe(true);
  }
  const exported = { name: 'schedule', version: '0' };
  const { content } = await machines.exportMachine({ ...exported, form: MachineForm.XSTATE });
  expect(content).toBe(former.json);
  const { content: drawing } = await machines.exportMachine({
    ...exported,
    form: MachineForm.MERMAID,
  });
  expect(drawing).toContain('active --> resting: pause.requested');
  const running = await machines.getMachine({ name: 'schedule' });
  expect(running.version).toMatchObject({ version: '1', running: true });
  const listed = (await machines.listMachines({})).machines;
  expect(running.machine).toEqual(listed.find(({ name }) => name === 'schedule'));
});

it('takes the definition that runs where several have its version, and asks for more of a hash that is not enough', async () => {
  await storeMachineVersions(bench.sql, [
    formerSchedule('1'),
    { ...formerSchedule('7'), hash: 'ab1' },
    { ...formerSchedule('8'), hash: 'ab2' },
  ]);
  const { machines } = await start();
  const { version } = await machines.getMachine({ name: 'schedule', version: '1' });
  expect(version?.running).toBe(true);
  const get = (wanted: string) => machines.getMachine({ name: 'schedule', version: wanted });
  expect(await codeOf(get('ab'))).toBe(Code.InvalidArgument);
  expect((await get('ab2')).version?.version).toBe('8');
  await expect(get('99')).rejects.toThrow(
    /There is no version 99 of the machine schedule; there is 1 \(/,
  );
  expect(await codeOf(machines.getMachine({ name: 'nothing' }))).toBe(Code.NotFound);
  expect(await codeOf(machines.listMachineVersions({ name: 'nothing' }))).toBe(Code.NotFound);
});

it('keeps each definition once, however many supervisors start', async () => {
  await bench.start();
  const { machines } = await start();
  const { versions } = await machines.listMachineVersions({});
  expect(versions).toHaveLength(RUNNING_DEFINITIONS.length);
  expect(versions.every(({ running }) => running)).toBe(true);
});
