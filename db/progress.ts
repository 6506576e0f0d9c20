/**
 * The statements about progress: how far running attempts say they are. What is here may be a second old.
 */
import type { Sql } from './connect.ts';
import type { TaskProgress } from './records.ts';

/** Writes the newest progress of tasks. A task that was deleted meanwhile is left out. */
export async function writeProgress(
  sql: Sql,
  progress: readonly (readonly [taskId: string, progress: TaskProgress])[],
): Promise<void> {
  await sql`
    insert into task_progress (task_id, attempt, fraction, message)
    select * from unnest(
      ${progress.map(([taskId]) => taskId)}::uuid[],
      ${progress.map(([, { attempt }]) => attempt)}::integer[],
      ${progress.map(([, { fraction }]) => fraction)}::double precision[],
      ${progress.map(([, { message }]) => message)}::text[]
    ) as p (task_id, attempt, fraction, message)
    where exists (select from tasks as t where t.id = p.task_id)
    order by task_id
    on conflict (task_id) do update
      set attempt = excluded.attempt, fraction = excluded.fraction, message = excluded.message`;
}

/** Reads the progress of those of the tasks that have told any. It may be of a former attempt. */
export async function readProgress(
  sql: Sql,
  taskIds: readonly string[],
): Promise<Map<string, TaskProgress>> {
  const rows = await sql<(TaskProgress & { id: string })[]>`
    select task_id as id, attempt, fraction, message from task_progress
    where task_id = any(${taskIds}::uuid[])`;
  return new Map(rows.map(({ id, ...progress }) => [id, progress]));
}
