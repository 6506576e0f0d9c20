/**
 * The statement that looks for the answer to a request. Requests are written by insertTasks, in the commit that creates their tasks.
 */
import type { Sql } from './connect.ts';

/** What a request has created. */
export interface RequestAnswer {
  readonly digest: string;
  readonly taskIds: readonly string[];
}

/** Returns what a request has created; null if it has not, or too long ago. */
export async function readRequest(
  sql: Sql,
  { creator, requestId }: { readonly creator: string; readonly requestId: string },
): Promise<RequestAnswer | null> {
  const [row] = await sql<{ digest: string; task_ids: string[] }[]>`
    select digest, array_to_json(task_ids) as task_ids from requests
    where creator = ${creator} and request_id = ${requestId}`;
  return row === undefined ? null : { digest: row.digest, taskIds: row.task_ids };
}
