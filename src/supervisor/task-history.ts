/**
 * The history of a task, read and proved.
 *
 * `verifyTask` replays the committed events through the machine and compares, value for value, with what is stored (I4).
 */
import { isHistoryExpired } from '../../db/expiry.ts';
import { MAX_LATE_REPORTS, listLateReports, listTransitions } from '../../db/transitions.ts';
import type { LateReportRecord, TaskRecord, TransitionRecord } from '../../db/records.ts';
import { replayTask, versionsOf } from '../../machines/replay.ts';
import type { TaskSnapshot } from '../../machines/decide.ts';
import type { TaskEvent } from '../../machines/task-events.ts';
import type { Store } from './store.ts';

const PAGE = 500;

export async function readHistory(
  store: Store,
  id: string,
  afterVersion: number,
  limit: number,
): Promise<{
  transitions: readonly TransitionRecord[];
  lateReports: readonly LateReportRecord[];
  hasMore: boolean;
  /** It has been deleted because of its age. */
  isExpired: boolean;
}> {
  const [transitions, lateReports] = await Promise.all([
    store.read((sql) => listTransitions(sql, id, afterVersion, limit + 1)),
    store.read((sql) => listLateReports(sql, id, MAX_LATE_REPORTS)),
  ]);
  // Only what goes on after nothing can be mistaken for a task that nothing happened to.
  const isNone = transitions.length === 0;
  return {
    isExpired: isNone && (await store.read((sql) => isHistoryExpired(sql, id))),
    transitions: transitions.slice(0, limit),
    lateReports,
    hasMore: transitions.length > limit,
  };
}

/** Returns one sentence for each difference between the replay and what is stored; none for a clean task. An expired history says nothing. */
export async function verifyTask(
  store: Store,
  record: TaskRecord,
): Promise<{ transitions: number; differences: readonly string[]; isExpired: boolean }> {
  const steps = await readSteps(store, record);
  const isWhole = steps.length === record.version;
  if (!isWhole && (await store.read((sql) => isHistoryExpired(sql, record.id)))) {
    return { transitions: 0, differences: [], isExpired: true };
  }
  return {
    transitions: steps.length,
    differences: findDifferences(steps, record),
    isExpired: false,
  };
}

function findDifferences(steps: readonly TransitionRecord[], record: TaskRecord): string[] {
  const differences = numberingFaults(steps, record.version);
  const [creation, ...rest] = steps;
  if (creation?.event.type !== 'task.created') {
    return [...differences, 'there is no creation'];
  }
  const events = rest.map((step) => step.event as TaskEvent);
  const { snapshots, problem } = replayTask(
    creation.event.input,
    events,
    record.machineVersion,
    versionsOf(record.type),
  );
  for (const [index, { path }] of snapshots.entries()) {
    const { version, fromPath, toPath } = steps[index] as TransitionRecord;
    const before = snapshots[index - 1]?.path ?? '';
    if (before !== fromPath) {
      differences.push(`version ${version}: replay comes from ${before}, stored is ${fromPath}`);
    }
    if (path !== toPath) {
      differences.push(`version ${version}: replay gives ${path}, stored is ${toPath}`);
    }
  }
  if (problem !== null) differences.push(problem);
  else differences.push(...compare(snapshots.at(-1) as TaskSnapshot, record.snapshot));
  return differences;
}

/** Later steps than the record that is compared with were committed meanwhile: they are left out. */
async function readSteps(store: Store, record: TaskRecord): Promise<TransitionRecord[]> {
  const steps: TransitionRecord[] = [];
  for (;;) {
    const last = steps.at(-1)?.version ?? 0;
    const page = await store.read((sql) => listTransitions(sql, record.id, last, PAGE));
    steps.push(...page.filter((step) => step.version <= record.version));
    if (page.length < PAGE || (steps.at(-1)?.version ?? 0) >= record.version) return steps;
  }
}

function numberingFaults(steps: readonly TransitionRecord[], lastVersion: number): string[] {
  const faults = steps.flatMap(({ version }, index) =>
    version === index + 1
      ? []
      : [`version ${index + 1} is missing; ${version} stands in its place`],
  );
  const end = steps.at(-1)?.version ?? 0;
  if (end !== lastVersion) {
    faults.push(`the task has version ${lastVersion}, its history ends with ${end}`);
  }
  return faults;
}

function compare(replayed: TaskSnapshot, stored: TaskSnapshot): string[] {
  const differences: string[] = [];
  if (replayed.path !== stored.path) {
    differences.push(`replay ends in ${replayed.path}, stored is ${stored.path}`);
  }
  const left = replayed.context as unknown as Record<string, unknown>;
  const right = stored.context as unknown as Record<string, unknown>;
  for (const name of new Set([...Object.keys(left), ...Object.keys(right)])) {
    if (sortedJson(left[name]) === sortedJson(right[name])) continue;
    differences.push(
      `context.${name}: replay gives ${sortedJson(left[name])}, stored is ${sortedJson(right[name])}`,
    );
  }
  return differences;
}

/** JSON with sorted keys: values count, not the order of keys. */
export function sortedJson(value: unknown): string {
  return (
    JSON.stringify(value, (_, item: unknown) =>
      item !== null && typeof item === 'object' && !Array.isArray(item)
        ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
        : item,
    ) ?? 'undefined'
  );
}
