/**
 * One run of a kept command: a process group under the small parent of scripts (script/shim.sh), so that it outlives the agent.
 *
 * Its folder holds `command`, `keep` (what it was started for) and the shim's `record`; `stdout` and `stderr` lead to the log of the
 * kept command. Made and found by kept-worker.ts.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../src/process/clock.ts';
import type { Executor, ProcessGroup } from '../executors/executor.ts';
import { commandText } from '../executors/script/command-file.ts';
import { ScriptGroup } from '../executors/script/group.ts';
import type { Environment } from '../executors/script/program.ts';
import { SHELL, startShim } from '../executors/script/start-shim.ts';

export interface Run {
  readonly folder: string;
  readonly group: ProcessGroup;
  /** What it was started for; null when nobody knows. */
  readonly command: string | null;
  readonly bootId: string | null;
}

export interface RunOptions {
  readonly nodeId: string;
  /** Names this boot of the host. */
  readonly bootId: string;
  /** What every kept command gets of the agent's environment. */
  readonly environment: Environment;
  /** Where commands run. */
  readonly cwd: string;
  readonly clock: Clock;
}

/** The log of a kept command, in its folder. */
export const LOG = 'log';
const RUN = 'run-';
const KEEP = 'keep';
const KILL_INTERVAL_MS = 1_000;
const FIRST_LOOK_MS = 5;
const LAST_LOOK_MS = 100;

/**
 * Starts a command in a run of its own below `keepFolder`.
 *
 * @throws the system's error, or one with a sentence, if there is no process
 */
export async function startRun(
  name: string,
  command: string,
  keepFolder: string,
  { nodeId, bootId, environment, cwd, clock }: RunOptions,
): Promise<Run> {
  const folder = join(keepFolder, `${RUN}${randomUUID()}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const own = { MUSTER_NODE_ID: nodeId, MUSTER_WORKER: name };
  const text = commandText([SHELL, '-c', command], own, cwd, nodeId);
  writeFileSync(join(folder, 'command'), text, { mode: 0o600 });
  writeFileSync(join(folder, KEEP), JSON.stringify({ command, bootId }), { mode: 0o600 });
  for (const stream of ['stdout', 'stderr']) symlinkSync(join('..', LOG), join(folder, stream));
  const shim = await startShim(folder, environment);
  return { folder, group: ScriptGroup.started(shim, folder, clock), command, bootId };
}

/** Finds what earlier processes of the agent have started below `keepFolder`; it may be over. What never began is removed. */
export async function findRuns(
  keepFolder: string,
  executor: Pick<Executor, 'find'>,
): Promise<Run[]> {
  const names = await readdir(keepFolder).catch(() => []);
  const runs: Run[] = [];
  for (const name of names.filter((one) => one.startsWith(RUN))) {
    const folder = join(keepFolder, name);
    const found = await executor.find(folder);
    if (found.kind === 'begun') runs.push({ folder, group: found.group, ...readKeep(folder) });
    else await removeRun({ folder });
  }
  return runs;
}

export async function removeRun({ folder }: Pick<Run, 'folder'>): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

/**
 * Ends a group: SIGTERM, grace, SIGKILL. Resolves when nothing of it is left.
 *
 * @param signal leaves the group as it is from then on; the promise stays open
 */
export async function endGroup(
  group: ProcessGroup,
  graceMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  if (group.hasEnded() && group.isEmpty()) return;
  group.signal('SIGTERM');
  const kill = () => {
    if (signal.aborted) return;
    group.signal('SIGKILL');
    timer = clock.after(KILL_INTERVAL_MS, kill);
  };
  let timer = clock.after(graceMs, kill);
  let waitMs = FIRST_LOOK_MS;
  await group.ended;
  while (!signal.aborted && !group.isEmpty()) {
    await new Promise<void>((resolve) => void clock.after(waitMs, resolve));
    waitMs = Math.min(waitMs * 2, LAST_LOOK_MS);
  }
  timer.cancel();
  if (signal.aborted) return new Promise(() => {});
}

/** Ends and removes whatever was started below `keepFolder`, and the folder itself. */
export async function endRuns(
  keepFolder: string,
  executor: Pick<Executor, 'find'>,
  graceMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  for (const { group } of await findRuns(keepFolder, executor)) {
    await endGroup(group, graceMs, clock, signal);
  }
  await rm(keepFolder, { recursive: true, force: true });
}

/** How a run ended. */
export function describeEnd(group: ProcessGroup): { isSuccess: boolean; words: string } {
  const exit = group.readExit();
  if (exit === null) return { isSuccess: false, words: 'it was killed' };
  if (exit.signal !== null) return { isSuccess: false, words: `ended by ${exit.signal}` };
  return { isSuccess: exit.exitCode === 0, words: `ended with exit code ${exit.exitCode}` };
}

function readKeep(folder: string): Pick<Run, 'command' | 'bootId'> {
  try {
    const { command, bootId } = JSON.parse(
      readFileSync(join(folder, KEEP), 'utf8'),
    ) as Partial<Run>;
    return { command: command ?? null, bootId: bootId ?? null };
  } catch {
    // Nobody knows what it is, so it is none that is to be kept.
    return { command: null, bootId: null };
  }
}
