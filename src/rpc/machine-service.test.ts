/** MachineService: all machines as diagrams, in their forms, and the way of a task through its own. */
import { type Client, Code, ConnectError, createClient } from '@connectrpc/connect';
import { expect, it } from 'vitest';
import { createMachine } from 'xstate';
import { expireHistories } from '../../db/expiry.ts';
import { MachineForm, MachineService } from '../../proto/gen/muster/v1/machine_service_pb.ts';
import { openInMemory, TOKENS } from '../http/testing/transports.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import { caller, create, draft, useBench } from '../supervisor/testing/test-bench.ts';

const bench = useBench();

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

/** What is lit and counted in a drawing. */
function shownIn(svg: string) {
  return {
    lit: [...svg.matchAll(/class="state [a-z]+ current" data-path="([^"]+)"/g)].map(
      ([, path]) => path,
    ),
    visited: [...svg.matchAll(/class="edge visited" data-edge="([^"]+)"/g)].map(([, edge]) =>
      edge?.replace('&#62;', '>'),
    ),
  };
}

it('lists every machine with a place for each state and edge', async () => {
  const { machines } = await start();
  const listed = (await machines.listMachines({})).machines;
  expect(listed.map(({ name }) => name)).toEqual([
    'task',
    'fan_out',
    'schedule',
    'node',
    'session',
    'worker',
  ]);
  for (const { states, edges, width, height } of listed) {
    for (const { x, y, width: w, height: h } of states) {
      expect(w * h).toBeGreaterThan(0);
      expect(x >= 0 && y >= 0 && x + w <= width && y + h <= height).toBe(true);
    }
    const paths = new Set(states.map(({ path }) => path));
    for (const { from, to, points, label } of edges) {
      expect(paths.has(from) && paths.has(to)).toBe(true);
      expect(points.length).toBeGreaterThanOrEqual(2);
      expect(label.length).toBeGreaterThan(0);
    }
  }
});

it('exports a machine in each form', async () => {
  const { machines } = await start();
  const contentOf = async (form: MachineForm) =>
    (await machines.exportMachine({ name: 'task', form })).content;
  expect(await contentOf(MachineForm.SVG)).toMatch(/^<svg [^]*<\/svg>\n$/);
  expect(await contentOf(MachineForm.MERMAID)).toMatch(/^stateDiagram-v2\n/);
  const definition = JSON.parse(await contentOf(MachineForm.XSTATE)) as object;
  expect(createMachine(definition).states).toHaveProperty('running');
});

it('names the machines that there are when another is asked for', async () => {
  const { machines } = await start();
  const asked = machines.exportMachine({ name: 'nothing', form: MachineForm.SVG });
  await expect(asked).rejects.toThrow('There is no machine nothing; there is task, fan_out');
  expect(await codeOf(machines.exportMachine({ name: 'task' }))).toBe(Code.InvalidArgument);
});

it('draws the way of a task, as it is and as it was', async () => {
  const { supervisor, machines } = await start();
  const [id = ''] = await create(supervisor, draft(null, {}, { held: true }));
  await supervisor.tasks.execute(id, caller);
  await supervisor.tasks.cancel(id, '', caller);
  const now = await machines.drawTask({ id: id.toUpperCase() });
  expect(now.version).toBe(3);
  expect(shownIn(now.svg)).toEqual({
    lit: ['cancelled'],
    visited: expect.arrayContaining([
      'pending.created>pending.held',
      'pending.held>pending.queued',
      'pending>cancelled',
    ]) as unknown,
  });
  const before = await machines.drawTask({ id, version: 2 });
  expect(shownIn(before.svg).lit).toEqual(['pending.queued']);
  expect(await codeOf(machines.drawTask({ id, version: 4 }))).toBe(Code.InvalidArgument);
  const unknown = id.replace(/.{4}$/, 'ffff');
  expect(await codeOf(machines.drawTask({ id: unknown }))).toBe(Code.NotFound);
});

it('draws a task whose history has expired as it stands', async () => {
  const { supervisor, machines } = await start();
  const [id = ''] = await create(supervisor, draft(null, {}, { held: true }));
  await supervisor.tasks.cancel(id, '', caller);
  await expireHistories(bench.sql, { keepMs: null, limit: 10, after: null });
  const { svg } = await machines.drawTask({ id });
  expect(shownIn(svg)).toEqual({ lit: ['cancelled'], visited: [] });
  expect(await codeOf(machines.drawTask({ id, version: 1 }))).toBe(Code.InvalidArgument);
});
