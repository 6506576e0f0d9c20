/**
 * Turns a filter, but for its text, into conditions of a statement on `tasks as t`. Used by task-lists.ts only.
 *
 * Ids are UUIDv7, made from the time of creation: a time range and the key of a page are ranges of ids, and the newest tasks are
 * those with the largest ids. The range stands beside every condition that has an index ending in the id, so that a page far
 * back costs as little as the first one.
 */
import type postgres from 'postgres';
import type { Sql } from './connect.ts';
import type { TaskFilter, TaskState } from './records.ts';

export type Fragment = postgres.PendingQuery<postgres.Row[]>;

/** How far the time in an id may be from the time of creation: id and time are made one after the other. */
const ID_SLACK_MS = 1_000;
const LARGEST_ID_MS = 2 ** 48 - 1;
const LOWEST_ID = '00000000-0000-0000-0000-000000000000';
const HIGHEST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** The bounds of the ids that a filter allows, both included. */
export interface IdRange {
  readonly low: string;
  readonly high: string;
}

/** Returns the ids that can match, or null when none can. */
export function idRange(filter: TaskFilter): IdRange | null {
  let range: IdRange = { low: LOWEST_ID, high: HIGHEST_ID };
  const narrow = ({ low, high }: Partial<IdRange>) => {
    range = {
      low: low !== undefined && low > range.low ? low : range.low,
      high: high !== undefined && high < range.high ? high : range.high,
    };
  };
  const { idPrefix = '', createdFrom, createdUntil } = filter;
  if (idPrefix !== '') {
    const low = idPrefix.toLowerCase() + LOWEST_ID.slice(idPrefix.length);
    if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(low)) return null;
    narrow({ low, high: idPrefix.toLowerCase() + HIGHEST_ID.slice(idPrefix.length) });
  }
  if (createdFrom !== undefined) narrow({ low: idAt(createdFrom - ID_SLACK_MS, LOWEST_ID) });
  if (createdUntil !== undefined) narrow({ high: idAt(createdUntil + ID_SLACK_MS, HIGHEST_ID) });
  return range;
}

/** The first or the last id of a millisecond. */
function idAt(ms: number, rest: string): string {
  const bounded = Math.min(Math.max(Math.floor(ms), 0), LARGEST_ID_MS);
  const hex = bounded.toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}${rest.slice(13)}`;
}

/** A filter as parts of a statement. Each part has `and` before it; to be put behind another condition. */
export interface SplitFilter {
  /** Alternatives, at least one, each with an index that has its rows in the order of their ids. No row is in two of them. */
  readonly branches: Fragment[];
  /** What must hold in each of them. */
  readonly conditions: Fragment[];
}

/** Which of the tasks that match are wanted. */
export interface Slice {
  readonly range: IdRange;
  /** Only smaller ids; null for all. */
  readonly before: string | null;
  /** How many of them are read at most; null where more conditions follow. */
  readonly limit: number | null;
  /** Only tasks with one of these names, in lower case. Each becomes a branch, or two. */
  readonly names?: readonly string[];
}

/** The condition, with `and` before it, that an id is in a slice. */
export function idBounds(sql: Sql, id: Fragment, { range, before }: Slice): Fragment {
  return sql`
    and ${id} between ${range.low} and ${range.high} ${before === null ? sql`` : sql`and ${id} < ${before}`}`;
}

/** The keys beside the labels that names of tasks stand under. Those of children are apart. */
export function nameKeys({ parentId, isTopLevel }: TaskFilter): string[] {
  const keys = [];
  if (parentId === undefined) keys.push('@name');
  if (isTopLevel !== true) keys.push('@child');
  return keys;
}

/**
 * Splits a filter into branches that are looked up each by itself, because no index has the rows of several values in the order
 * of their ids, and conditions on what they find.
 */
export function splitFilter(sql: Sql, filter: TaskFilter, slice: Slice): SplitFilter {
  const { limit, names } = slice;
  const bounds = (id: Fragment) => idBounds(sql, id, slice);
  const labelled = (key: string, value: string) => sql`
    and t.id in (
      select task_id from task_labels where key = ${key} and value = ${value} ${bounds(sql`task_id`)}
    )`;
  // With its own limit, or the tasks would be read beside the labels, children and all.
  const newestTopLevel = () => sql`
    and t.id in (
      select task_id from task_labels where key = '@top' and value = '' ${bounds(sql`task_id`)}
      order by task_id desc limit ${limit}
    )`;
  const conditions = [bounds(sql`t.id`)];
  const { ids, parentId, scheduleId, createdFrom, createdUntil } = filter;
  if (ids !== undefined) conditions.push(sql`and t.id = any(${ids}::uuid[])`);
  if (parentId !== undefined) conditions.push(sql`and t.parent_id = ${parentId}`);
  if (scheduleId !== undefined) conditions.push(sql`and t.schedule_id = ${scheduleId}`);
  for (const [key, value] of Object.entries(filter.labels ?? {})) {
    conditions.push(labelled(key, value));
  }
  const column = names === undefined ? branchColumn(filter) : null;
  // The keys of names say it already; once more, it would be counted twice in what the planner expects.
  if (filter.isTopLevel === true && names === undefined) {
    // Without another condition children may stand in thousands at the head: those that are none are looked up.
    const isEnough = limit !== null && isOnlyTopLevel(filter);
    conditions.push(isEnough ? newestTopLevel() : sql`and t.parent_id is null`);
  }
  for (const name of COLUMNS) {
    const values = valuesOf(filter, name);
    if (values.length > 0 && name !== column) {
      conditions.push(sql`and ${sql(`t.${name}`)} = any(${values}::text[])`);
    }
  }
  if (createdFrom !== undefined) {
    conditions.push(sql`and t.created_at >= to_timestamp(${createdFrom}::double precision / 1000)`);
  }
  if (createdUntil !== undefined) {
    conditions.push(sql`and t.created_at < to_timestamp(${createdUntil}::double precision / 1000)`);
  }
  if (names !== undefined) {
    const keys = nameKeys(filter);
    return {
      branches: names.flatMap((name) => keys.map((key) => labelled(key, name))),
      conditions,
    };
  }
  if (column === null) return { branches: [sql``], conditions };
  const branches = valuesOf(filter, column).flatMap((value) => {
    if (column === 'state') return [sql`and t.state = ${value}`];
    const states = valuesOf(filter, 'state');
    if (column === 'node_id') return nodeBranches(sql, value, states);
    const rows = labelled(`@${column}`, value);
    return states.length === 0 ? [rows] : states.map((s) => sql`and t.state = ${s} ${rows}`);
  });
  return { branches, conditions };
}

/** One branch for each state that is asked for: the index has the tasks of a node state by state, in the order of their ids. */
function nodeBranches(sql: Sql, nodeId: string, asked: readonly string[]): Fragment[] {
  const states = asked.length === 0 ? ALL_STATES : asked;
  return states.map((state) => sql`and t.node_id = ${nodeId} and t.state = ${state}`);
}

const ALL_STATES: readonly TaskState[] = [
  'pending',
  'running',
  'completed',
  'failed',
  'timeout',
  'cancelled',
];
/** Nodes that are looked up one by one; planning the branches of more costs more than they save. */
const MAX_NODE_BRANCHES = 10;

/** Columns whose filters have several values, the most selective first. */
const COLUMNS = ['node_id', 'creator', 'state', 'type'] as const;
type FilterColumn = (typeof COLUMNS)[number];

function valuesOf(filter: TaskFilter, column: FilterColumn): string[] {
  const values = {
    node_id: filter.nodeIds,
    creator: filter.creators,
    state: filter.states,
    type: filter.types,
  }[column];
  return [...new Set<string>(values)];
}

/** Tells whether nothing else, but for a range of ids, is asked for: then as many of them as are to be read are enough. */
function isOnlyTopLevel(filter: TaskFilter): boolean {
  const { ids, parentId, scheduleId, labels, createdFrom, createdUntil } = filter;
  if ((ids ?? parentId ?? scheduleId ?? createdFrom ?? createdUntil) !== undefined) return false;
  if (Object.keys(labels ?? {}).length > 0) return false;
  return COLUMNS.every((name) => valuesOf(filter, name).length === 0);
}

/** Chooses the column whose values become branches; null where another condition finds few rows already. */
function branchColumn(filter: TaskFilter): FilterColumn | null {
  const { ids, parentId, scheduleId, labels } = filter;
  if (ids ?? parentId ?? scheduleId) return null;
  if (Object.keys(labels ?? {}).length > 0) return null;
  const column = COLUMNS.find((name) => valuesOf(filter, name).length > 0) ?? null;
  const isMany = column === 'node_id' && valuesOf(filter, column).length > MAX_NODE_BRANCHES;
  return isMany ? null : column;
}
