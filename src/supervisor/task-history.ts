/**
 * The history of a task, read and proved.
 *
 * `verifyTask` replays the committed events through the machine and compares, value for value, with what is stored (I4).
 */
import { listLateReports, listTransitions } from '../../db/transitions.ts';
import type {
  LateReportRecord,
  TaskCreated,
  TaskRecord,
  TransitionRecord,
} from '../../db/records.ts';
import { createTask, decideTask } from '../../machines/decide.ts';
import type { TaskSnapshot } from '../../machines/decide.ts';
import type { TaskEvent } from '../../machines/task-events.ts';
import type { Store } from './store.ts';

const PAGE = 500;
const MAX_LATE_REPORTS = 200;

export async function readHistory(
  store: Store,
  id: string,
  afterVersion: number,
  limit: number,
): Promise<{
  transitions: readonly TransitionRecord[];
  lateReports: readonly LateReportRecord[];
  hasMore: boolean;
}> {
  const [transitions, lateReports] = await Promise.all([
    store.read((sql) => listTransitions(sql, id, afterVersion, limit + 1)),
    store.read((sql) => listLateReports(sql, id, MAX_LATE_REPORTS)),
  ]);
  return {
    transitions: transitions.slice(0, limit),
    lateReports,
    hasMore: transitions.length > limit,
  };
}

/** Returns one sentence for each difference between the replay and what is stored; none for a clean task. */
export async function verifyTask(
  store: Store,
  record: TaskRecord,
): Promise<{ transitions: number; differences: readonly string[] }> {
  const differences: string[] = [];
  let snapshot: TaskSnapshot | null = null;
  let version = 0;
  for (;;) {
    const page = await store.read((sql) => listTransitions(sql, record.id, version, PAGE));
    for (const transition of page) {
      // Later steps than the record that is compared with were committed while this runs.
      if (transition.version > record.version) break;
      if (transition.version !== version + 1) {
        differences.push(`version ${version + 1} is missing; ${transition.version} follows`);
      }
      version = transition.version;
      snapshot = replayStep(snapshot, transition, differences);
      if (snapshot === null) return { transitions: version, differences };
    }
    if (page.length < PAGE || version >= record.version) break;
  }
  if (version !== record.version) {
    differences.push(`the task has version ${record.version}, its history ends with ${version}`);
  }
  if (snapshot !== null) differences.push(...compare(snapshot, record.snapshot));
  return { transitions: version, differences };
}

function replayStep(
  before: TaskSnapshot | null,
  transition: TransitionRecord,
  differences: string[],
): TaskSnapshot | null {
  const { version, event, fromPath, toPath } = transition;
  const after = before === null ? replayCreation(event) : replayEvent(before, event);
  if (after === null) {
    const where = before === null ? 'the beginning' : before.path;
    differences.push(`version ${version}: ${event.type} is no transition of ${where}`);
    return null;
  }
  if ((before?.path ?? '') !== fromPath) {
    differences.push(
      `version ${version}: replay comes from ${before?.path ?? 'the beginning'}, stored is ${fromPath}`,
    );
  }
  if (after.path !== toPath) {
    differences.push(`version ${version}: replay gives ${after.path}, stored is ${toPath}`);
  }
  return after;
}

function replayCreation(event: TaskEvent | TaskCreated): TaskSnapshot | null {
  return event.type === 'task.created' ? createTask(event.input).snapshot : null;
}

function replayEvent(before: TaskSnapshot, event: TaskEvent | TaskCreated): TaskSnapshot | null {
  if (event.type === 'task.created') return null;
  const decision = decideTask(before, event);
  return decision.kind === 'transition' ? decision.snapshot : null;
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

/** JSON with sorted keys: jsonb keeps values, not the order of keys. */
function sortedJson(value: unknown): string {
  return (
    JSON.stringify(value, (_, item: unknown) =>
      item !== null && typeof item === 'object' && !Array.isArray(item)
        ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
        : item,
    ) ?? 'undefined'
  );
}
