/**
 * Finds the task that a shortened id means.
 *
 * A full id is used as it is, without a call. Anything shorter has to be the beginning of exactly one id.
 */
import { unary } from './connection.ts';
import type { Connection } from './connection.ts';
import { CliFault, UsageFault } from './fault.ts';
import { stateName } from './task-view.ts';
import { harmless } from './table.ts';

/** Where the hyphens of a UUID stand. */
const GROUPS = [8, 4, 4, 4, 12];
/** How many candidates an ambiguous beginning names. */
const NAMED = 4;

/**
 * Returns the full id of a task.
 *
 * @throws UsageFault when the text can be no beginning of an id
 * @throws CliFault when no task, or more than one, has such an id
 */
export async function resolveTaskId(connection: Connection, text: string): Promise<string> {
  const prefix = normalizeId(text);
  if (prefix.length === 36) return prefix;
  const { tasks, nextPageToken } = await connection.tasks.listTasks(
    { filter: { idPrefix: prefix }, pageSize: NAMED },
    unary,
  );
  const [first] = tasks;
  if (first === undefined) throw new CliFault(`no task has an id that begins with ${prefix}`);
  if (tasks.length === 1) return first.id;
  const candidates = tasks.map(
    (task) => `\n  ${task.id}  ${stateName(task)}  ${harmless(task.name)}`,
  );
  const more = nextPageToken === '' ? '' : '\n  and more';
  throw new CliFault(
    `several tasks have an id that begins with ${prefix}:${candidates.join('')}${more}`,
  );
}

/** Returns an id, or the beginning of one, with its hyphens where a UUID has them. @throws UsageFault */
export function normalizeId(text: string): string {
  const digits = text.trim().toLowerCase().replaceAll('-', '');
  if (!/^[0-9a-f]{1,32}$/.test(digits) || !/^[0-9a-f][0-9a-f-]*$/i.test(text.trim())) {
    throw new UsageFault(
      `'${harmless(text)}' is no id of a task: an id is made of the digits 0-9 and a-f, and may be shortened`,
    );
  }
  const groups: string[] = [];
  for (let at = 0, index = 0; at < digits.length; at += GROUPS[index] ?? 0, index += 1) {
    groups.push(digits.slice(at, at + (GROUPS[index] ?? 0)));
  }
  return groups.join('-');
}
