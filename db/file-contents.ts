/**
 * The statements about contents of files: uploads in chunks, what is complete, what a task has fetched, and what nobody needs.
 *
 * A content is known by its SHA-256, 64 lower-case hexadecimal digits. That the bytes of an upload have that hash is for the
 * caller to check before `completeFileContent`.
 */
import type { Sql } from './connect.ts';

/** The largest chunk there is. */
export const MAX_CHUNK_BYTES = 1_048_576;

/** How far an upload is. */
export interface UploadState {
  /** Names this upload; another try after it was given up has another id. */
  readonly id: number;
  readonly storedBytes: number;
  /** The content is there, by this upload or another one. */
  readonly isComplete: boolean;
}

export interface FileChunk {
  readonly sha256: string;
  /** `user`, or TASK/ATTEMPT. */
  readonly uploader: string;
  /** Gives up other uploads of this uploader. */
  readonly isSingle: boolean;
  /** Of the whole content. */
  readonly sizeBytes: number;
  readonly offset: number;
  /** At most MAX_CHUNK_BYTES, and not beyond the size. Empty only asks. */
  readonly content: Uint8Array;
}

/** Stores a chunk if it is the next one of its upload, and tells how far the upload is then. */
export async function appendFileChunk(sql: Sql, chunk: FileChunk): Promise<UploadState> {
  const { sha256, uploader, isSingle, sizeBytes, offset, content } = chunk;
  const [row] = await sql<[{ content_id: number; stored: number; complete: boolean }]>`
    select content_id, stored, complete
    from append_file_chunk(${sha256}, ${uploader}, ${isSingle}, ${sizeBytes}, ${offset}, ${content})`;
  return { id: row.content_id, storedBytes: row.stored, isComplete: row.complete };
}

/** Tells how much of a content is stored: all of a complete one, else what this uploader has sent. Null for nothing. */
export async function findFileContent(
  sql: Sql,
  sha256: string,
  uploader: string,
): Promise<{ sizeBytes: number; storedBytes: number; isComplete: boolean } | null> {
  const [row] = await sql<{ size_bytes: number; stored_bytes: number; is_complete: boolean }[]>`
    select size_bytes, stored_bytes, is_complete from file_contents
    where sha256 = ${sha256} and (is_complete or uploader = ${uploader})
    order by is_complete desc
    limit 1`;
  if (row === undefined) return null;
  return { sizeBytes: row.size_bytes, storedBytes: row.stored_bytes, isComplete: row.is_complete };
}

/** Reads the chunk that begins at this offset of an upload, complete or not. Null where none does. */
export async function readFileChunk(
  sql: Sql,
  id: number,
  offset: number,
): Promise<Uint8Array | null> {
  const [row] = await sql<{ content: Uint8Array }[]>`
    select content from file_chunks where content_id = ${id} and start_offset = ${offset}`;
  return row?.content ?? null;
}

/** Makes an upload whose hash is right the content of that hash. False if it was given up meanwhile. */
export async function completeFileContent(sql: Sql, id: number): Promise<boolean> {
  const [row] = await sql<[{ done: boolean }]>`select complete_file_content(${id}) as done`;
  return row.done;
}

/** Gives up an upload that is not complete. */
export async function deleteUpload(sql: Sql, id: number): Promise<void> {
  await sql`delete from file_contents where id = ${id} and not is_complete`;
}

/** Reads at most `limitBytes` of a complete content from `offset`; null if there is no such content. */
export async function readFileContent(
  sql: Sql,
  sha256: string,
  offset: number,
  limitBytes: number,
): Promise<{ content: Uint8Array; sizeBytes: number } | null> {
  const rows = await sql<
    { size_bytes: number; start_offset: number | null; content: Uint8Array }[]
  >`
    select c.size_bytes, k.start_offset, k.content
    from file_contents as c
    left join file_chunks as k on k.content_id = c.id
      and k.start_offset < ${offset + limitBytes}
      -- Where to begin in the index: no chunk is longer.
      and k.start_offset > ${offset - MAX_CHUNK_BYTES}
    where c.sha256 = ${sha256} and c.is_complete
    order by k.start_offset`;
  const [first] = rows;
  if (first === undefined) return null;
  const parts = rows.flatMap(({ start_offset: start, content }) =>
    start === null
      ? []
      : [content.subarray(Math.max(offset - start, 0), Math.max(offset + limitBytes - start, 0))],
  );
  return { content: Buffer.concat(parts), sizeBytes: first.size_bytes };
}

/** Keeps contents for as long again, and returns the sizes of those that are complete, by hash. */
export async function touchFileContents(
  sql: Sql,
  hashes: readonly string[],
): Promise<Map<string, number>> {
  const rows = await sql<{ sha256: string; size_bytes: number }[]>`
    with held as (
      -- One order for all, so that two calls do not wait for each other.
      select id from file_contents where sha256 = any(${[...hashes]}::text[]) and is_complete order by id for update
    )
    update file_contents as c set used_at = now() from held where c.id = held.id
    returning c.sha256, c.size_bytes`;
  return new Map(rows.map((row) => [row.sha256, row.size_bytes]));
}

/** Writes down which content a task has fetched; a later attempt overwrites it. */
export async function saveFetchedFile(sql: Sql, taskId: string, sha256: string): Promise<void> {
  await sql`
    insert into fetched_files (task_id, sha256) values (${taskId}, ${sha256})
    on conflict (task_id) do update set sha256 = excluded.sha256, at = excluded.at`;
}

/** Returns the content that a task has fetched; `at` in ms since 1970. Null for none. */
export async function readFetchedFile(
  sql: Sql,
  taskId: string,
): Promise<{ sha256: string; sizeBytes: number; at: number } | null> {
  const [row] = await sql<{ sha256: string; size_bytes: number; at_ms: number }[]>`
    select f.sha256, c.size_bytes, (extract(epoch from f.at) * 1000)::double precision as at_ms
    from fetched_files as f
    join file_contents as c on c.sha256 = f.sha256 and c.is_complete
    where f.task_id = ${taskId}`;
  return row === undefined
    ? null
    : { sha256: row.sha256, sizeBytes: row.size_bytes, at: row.at_ms };
}

/**
 * Deletes contents that have not been used for `keepMs` and that no spec, no schedule and no fetched file refers to, and uploads
 * that have not gone on for that long. Returns how many were deleted.
 */
export async function deleteUnusedContents(
  sql: Sql,
  keepMs: number,
  limit: number,
): Promise<number> {
  const { count } = await sql`
    with unused as (
      select c.id from file_contents as c
      where c.used_at < now() - make_interval(secs => ${keepMs}::double precision / 1000)
        and (
          not c.is_complete
          or (
            not exists (select 1 from specs as s where s.content #>> '{file,put,sha256}' = c.sha256)
            and not exists (select 1 from fetched_files as f where f.sha256 = c.sha256)
            and not exists (select 1 from schedules as s where s.spec #>> '{task,file,put,sha256}' = c.sha256)
          )
        )
      order by c.used_at
      limit ${limit}
      -- What is being uploaded or is about to be put is no longer unused.
      for update skip locked
    )
    delete from file_contents as c using unused where c.id = unused.id`;
  return count;
}
