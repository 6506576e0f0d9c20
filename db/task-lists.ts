/**
 * Lists of tasks by a filter, newest first, in pages. What the conditions of a filter are stands in task-filter.ts.
 *
 * A text is looked for where it is found soonest:
 *
 *   1 among the newest tasks that match everything else: there, if it is in many names, or if few tasks match at all
 *   2 else by the names that contain it (`task_names`), whose tasks are found as labels are
 *   3 else, where those are too many, in one task after the other
 */
import type { Sql } from './connect.ts';
import type { TaskFilter, TaskRecord } from './records.ts';
import { idBounds, idRange, nameKeys, splitFilter } from './task-filter.ts';
import type { Fragment, Slice, SplitFilter } from './task-filter.ts';
import { taskRow, toTaskRecord } from './task-row.ts';
import type { TaskRow } from './task-row.ts';

/** Tasks whose names are read at first: a few ms. */
const NEWEST = 2_000;
/** Names that are planned each by how often it is there. */
const FEW_NAMES = 10;
/** More names than these are many tasks as well. */
const MANY_NAMES = 5_000;
/** The index of names is made of three characters each; a shorter text is looked for in all of them. */
const INDEXED = /.{3}/su;

/**
 * Lists the tasks that match, newest first.
 *
 * @param before only tasks with a smaller id: the last id of the page before
 */
export async function listTasks(
  sql: Sql,
  filter: TaskFilter,
  limit: number,
  before: string | null,
): Promise<TaskRecord[]> {
  const range = idRange(filter);
  if (range === null) return [];
  const { text } = filter;
  if (text !== undefined) return await searchTasks(sql, filter, text, { range, before, limit });
  return await readNewest(sql, splitFilter(sql, filter, { range, before, limit }), limit);
}

async function readNewest(sql: Sql, split: SplitFilter, limit: number): Promise<TaskRecord[]> {
  const [branch, ...others] = split.branches;
  if (branch === undefined) return [];
  const rows =
    others.length === 0
      ? await sql<TaskRow[]>`${newest(sql, taskRow(sql), split, limit)}`
      : await sql<TaskRow[]>`
          select ${taskRow(sql)}
          from tasks as t
          where t.id = any(array(select id from (${newest(sql, sql`t.id`, split, limit)}) as match))
          order by t.id desc`;
  return rows.map(toTaskRecord);
}

/** A query of the newest tasks of a filter. Each branch is planned by how often it is there. */
function newest(
  sql: Sql,
  columns: Fragment,
  { branches, conditions }: SplitFilter,
  limit: number,
): Fragment {
  const [first, ...others] = branches.map(
    (branch) => sql`
      select ${columns} from tasks as t where true ${branch} ${conditions} order by t.id desc limit ${limit}`,
  );
  if (first === undefined || others.length === 0) return sql`${first ?? sql``}`;
  // The newest of all are among the newest of each.
  return sql`
    select * from ((${first}) ${others.map((other) => sql` union all (${other})`)}) as each_newest
    order by id desc
    limit ${limit}`;
}

async function searchTasks(
  sql: Sql,
  filter: TaskFilter,
  text: string,
  { range, before, limit }: Slice & { readonly limit: number },
): Promise<TaskRecord[]> {
  const { found, isComplete } = await searchNewest(sql, filter, text, { range, before, limit });
  if (isComplete) return found;
  const slice = { range, before, limit: null };
  const names = await listNames(sql, text, MANY_NAMES + 1);
  if (names.length === 0) return [];
  if (names.length <= FEW_NAMES) {
    return await readNewest(sql, splitFilter(sql, filter, { ...slice, names }), limit);
  }
  if (names.length <= MANY_NAMES) return await readNamed(sql, filter, names, slice, limit);
  const { branches, conditions } = splitFilter(sql, filter, slice);
  const split = { branches, conditions: [...conditions, sql`and ${contains(sql, text)}`] };
  return await readNewest(sql, split, limit);
}

/** Searches the newest tasks that match everything else; tells whether what it has found is all that is wanted. */
async function searchNewest(
  sql: Sql,
  filter: TaskFilter,
  text: string,
  { range, before, limit }: Slice & { readonly limit: number },
): Promise<{ found: TaskRecord[]; isComplete: boolean }> {
  const { branches } = splitFilter(sql, filter, { range, before, limit });
  const window = Math.max(limit, Math.ceil(NEWEST / branches.length));
  const split = splitFilter(sql, filter, { range, before, limit: window });
  const rows = await sql<(TaskRow & { seen: number })[]>`
    with seen as materialized (
      ${newest(sql, sql`t.id, ${contains(sql, text)} as is_match`, split, window)}
    )
    select n.seen, ${taskRow(sql)}
    from (select count(*)::integer as seen from seen) as n
    left join tasks as t on t.id = any(array(select id from seen where is_match order by id desc limit ${limit}))
    order by t.id desc`;
  // Without a match there is one row, of no task.
  const found = rows.filter(({ id }) => id !== null).map(toTaskRecord);
  const seen = rows[0]?.seen ?? 0;
  return { found, isComplete: seen < window || found.length >= limit };
}

function contains(sql: Sql, text: string): Fragment {
  return sql`strpos(lower(t.name), lower(${text})) > 0`;
}

/** Names that contain a text, in no order. */
async function listNames(sql: Sql, text: string, limit: number): Promise<string[]> {
  // Unlike strpos, how many names it fits is estimated well, and so whether it is worth to share the work.
  const pattern = `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`;
  const rows = await sql<{ name: string }[]>`
    select name from task_names
    where name like lower(${pattern})
      ${INDEXED.test(text) ? sql`and trigrams(name) @> trigrams(lower(${text}))` : sql``}
    limit ${limit}`;
  return rows.map(({ name }) => name);
}

/** Reads the newest tasks with names that are too many to be planned one by one. */
async function readNamed(
  sql: Sql,
  filter: TaskFilter,
  names: readonly string[],
  slice: Slice,
  limit: number,
): Promise<TaskRecord[]> {
  const { conditions } = splitFilter(sql, filter, { ...slice, names });
  const rows = await sql<TaskRow[]>`
    select ${taskRow(sql)}
    from tasks as t
    where t.id = any(array(
      select match.id
      from unnest(${names}::text[]) as wanted (name)
      cross join unnest(${nameKeys(filter)}::text[]) as kind (key)
      cross join lateral (
        select t.id
        from task_labels as l
        join tasks as t on t.id = l.task_id
        where l.key = kind.key and l.value = wanted.name ${idBounds(sql, sql`l.task_id`, slice)} ${conditions}
        order by l.task_id desc
        limit ${limit}
      ) as match
      order by match.id desc
      limit ${limit}
    ))
    order by t.id desc`;
  return rows.map(toTaskRecord);
}
