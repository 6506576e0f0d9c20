/**
 * Runs the mixed tasks on a cluster and checks every one of them: its final state, its output, its attempts, its history.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Task } from '../proto/gen/muster/v1/task_pb.ts';
import { TaskState } from '../proto/gen/muster/v1/task_pb.ts';
import { Api } from './api.ts';
import type { Cluster } from './cluster.ts';
import type { MixedTask } from './mixed-tasks.ts';

/** Tasks in one CreateTasks. */
const BATCH = 50;

export interface MixedRun {
  readonly task: Task;
  readonly mixed: MixedTask;
}

/** Creates all tasks, cancels those that are to be cancelled, and returns them when all are final. */
export async function runAll(cluster: Cluster, mixed: readonly MixedTask[]): Promise<MixedRun[]> {
  const api = await Api.of(cluster);
  const ids: string[] = [];
  for (let start = 0; start < mixed.length; start += BATCH) {
    ids.push(...(await api.createAll(mixed.slice(start, start + BATCH).map((one) => one.spec))));
  }
  const cancelled = mixed.flatMap((one, index) =>
    one.isCancelled === true ? [api.cancelWhenRunning(ids[index] as string)] : [],
  );
  await Promise.all(cancelled);
  await Promise.all(ids.map((id) => api.untilFinal(id)));
  const tasks = await Promise.all(ids.map((id) => api.get(id)));
  return tasks.map((task, index) => ({ task, mixed: mixed[index] as MixedTask }));
}

/**
 * Checks one task.
 *
 * @param mayBeLost agents were killed: an attempt that was accepted and never started is lost, and says so
 */
export async function check(
  cluster: Cluster,
  { task, mixed }: MixedRun,
  folder: string,
  mayBeLost: boolean,
): Promise<void> {
  const api = await Api.of(cluster);
  const about = `${mixed.name} (${task.id}): ${task.reason} ${task.message}`;
  expect(await api.differences(task.id), about).toEqual([]);
  const started = await startedAttempts(folder, mixed.name);
  expect(new Set(started).size, `${about}: no attempt has run twice (I2)`).toBe(started.length);
  expect(
    started.every((number) => number <= task.attempt),
    about,
  ).toBe(true);
  const lost = task.attempts.filter((attempt) => attempt.outcome === 'lost').length;
  if (mayBeLost && lost > 0) {
    expect(started.length, about).toBeGreaterThanOrEqual(task.attempt - lost);
    if (task.state === TaskState.FAILED) return;
  } else if (mixed.isCancelled === true) {
    // Its process may be stopped before it has written its first line.
    expect([[], [1]], about).toContainEqual(started);
  } else {
    expect(started, about).toEqual(Array.from({ length: mixed.attempts }, (_, index) => index + 1));
  }
  expect(task.state, about).toBe(mixed.expected);
  if (mixed.exitCode !== undefined) expect(task.exitCode, about).toBe(mixed.exitCode);
  if (mixed.stdout !== undefined) {
    const stdout = await api.stdout(task.id, task.attempt);
    expect(Buffer.compare(stdout, mixed.stdout), `${about}: stdout is byte for byte`).toBe(0);
  }
}

/** The attempt numbers that scripts have written down themselves. */
async function startedAttempts(folder: string, name: string): Promise<number[]> {
  const text = await readFile(join(folder, name), 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter(Boolean)
    .map(Number)
    .sort((a, b) => a - b);
}
