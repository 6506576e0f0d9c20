// The service executor on a stand-in systemctl: what it is called with, and what is said where there is none.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { StartAttemptSchema } from '../../../proto/gen/muster/v1/agent_service_pb.ts';
import { ServiceOperation } from '../../../proto/gen/muster/v1/service_action_pb.ts';
import { systemClock } from '../../../src/process/clock.ts';
import { silentLogger } from '../../../src/process/log.ts';
import { keyOf, startOf } from '../../testing/starts.ts';
import { ActionExecutor } from '../by-action.ts';
import type { ProcessGroup, StartResult } from '../executor.ts';
import { HandlerExecutor } from '../handler/executor.ts';
import { ScriptExecutor } from '../script/executor.ts';
import { ServiceExecutor } from './executor.ts';

/** Says how it was called, and leaves with the code of a unit that is not active when asked for the state of `dead`. */
const SYSTEMCTL = `#!/bin/sh
printf '[%s]' "$@"
echo "of attempt $MUSTER_ATTEMPT" >&2
case "$*" in *'status -- dead') exit 3 ;; *'-- slow') sleep 1000 ;; esac
`;

let home: string;
let executor: ActionExecutor;
let groups: ProcessGroup[];

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'muster-service-'));
  mkdirSync(join(home, 'bin'));
  writeFileSync(join(home, 'bin', 'systemctl'), SYSTEMCTL, { mode: 0o755 });
  groups = [];
  executor = await makeExecutor(`${join(home, 'bin')}:${process.env['PATH'] ?? ''}`);
});

afterEach(() => {
  for (const group of groups) if (!group.isEmpty()) group.signal('SIGKILL');
  executor.close();
  rmSync(home, { recursive: true, force: true });
});

async function makeExecutor(path: string): Promise<ActionExecutor> {
  const environment = { PATH: path };
  const own = { nodeId: 'web-1', environment };
  const script = new ScriptExecutor({ ...own, attemptsFolder: home, clock: systemClock });
  const service = new ServiceExecutor({ ...own, script });
  const handlers = { ...own, module: null, memoryMiB: 64, clock: systemClock, log: silentLogger };
  const handler = await HandlerExecutor.open(handlers);
  return new ActionExecutor({ script, service, handler, file: script });
}

async function operate(operation: ServiceOperation, unit: string): Promise<StartResult> {
  const action = { case: 'service' as const, value: { operation, unit } };
  const start = create(StartAttemptSchema, { ...keyOf(startOf('')), action });
  const result = await executor.start(start, join(home, 'attempt'));
  if (result.kind === 'started') groups.push(result.group);
  return result;
}

async function started(operation: ServiceOperation, unit: string): Promise<ProcessGroup> {
  const result = await operate(operation, unit);
  if (result.kind === 'failed') throw new Error(result.why);
  return result.group;
}

const output = (stream: string) => readFileSync(join(home, 'attempt', stream), 'utf8');

it.each([
  [ServiceOperation.START, 'start'],
  [ServiceOperation.STOP, 'stop'],
  [ServiceOperation.RESTART, 'restart'],
  [ServiceOperation.STATUS, 'status'],
  [ServiceOperation.ENABLE, 'enable'],
  [ServiceOperation.DISABLE, 'disable'],
])('operation %i calls systemctl %s, which never asks or pages', async (operation, verb) => {
  const group = await started(operation, 'getty@tty1.service');
  await group.ended;
  expect(group.readExit()).toMatchObject({ exitCode: 0 });
  expect(output('stdout')).toBe(`[--no-pager][--no-ask-password][${verb}][--][getty@tty1.service]`);
  expect(output('stderr')).toBe('of attempt 1\n');
});

it('ends as systemctl does', async () => {
  const group = await started(ServiceOperation.STATUS, 'dead');
  await group.ended;
  expect(group.readExit()).toMatchObject({ exitCode: 3, signal: null });
});

it('is found and removed by another agent process, and can be stopped', async () => {
  await started(ServiceOperation.START, 'slow');
  await expect.poll(() => output('stdout')).toContain('[slow]');
  executor.close();
  executor = await makeExecutor('/nowhere');
  const found = await executor.find(join(home, 'attempt'));
  if (found.kind !== 'begun') throw new Error('it has never begun');
  expect(found.group.hasEnded()).toBe(false);
  found.group.signal('SIGTERM');
  await found.group.ended;
  expect(found.group.readExit()).toMatchObject({ signal: 'SIGTERM' });
  await executor.remove(join(home, 'attempt'));
  expect(() => output('stdout')).toThrow('ENOENT');
});

it('says that a host has no systemd, and checks well there', async () => {
  executor.close();
  executor = await makeExecutor('/nowhere');
  await executor.check();
  expect(await operate(ServiceOperation.RESTART, 'nginx')).toEqual({
    kind: 'failed',
    why: 'cannot restart nginx on node web-1: systemctl is not installed there, and services are operated through systemd',
  });
});

it.each(['', '--now', '-H', 'a b', 'a/b', 'nginx\n', '*', 'x'.repeat(256)])(
  'refuses %j as a unit',
  async (unit) => {
    const why = `'${unit}' is no name of a systemd unit`;
    expect(await operate(ServiceOperation.STOP, unit)).toEqual({ kind: 'failed', why });
  },
);

it.each([ServiceOperation.UNSPECIFIED, 77 as ServiceOperation])(
  'refuses operation %i, which it does not know',
  async (operation) => {
    const why = `the agent of node web-1 is too old for operation ${operation} on a service`;
    expect(await operate(operation, 'nginx')).toEqual({ kind: 'failed', why });
  },
);

it('says that it is too old for an action of a kind it does not know', async () => {
  const start = create(StartAttemptSchema, keyOf(startOf('')));
  expect(await executor.start(start, join(home, 'attempt'))).toEqual({
    kind: 'failed',
    why: 'the agent of node web-1 is too old for this kind of action',
  });
});
