/**
 * The statements about output: bytes of attempts, as agents sent them.
 *
 * Each stream of an attempt is stored once and in order (I5): its row in output_streams says how far it is stored, whoever adds
 * to it holds that row, and what is stored already is cut off. A session whose epoch is over adds nothing (I6).
 */
import { bytesArray } from './array-types.ts';
import type { Sql } from './connect.ts';
import type { LogStreamName, OutputPiece, OutputStreamName } from './records.ts';

/** A piece with the session that it came through. */
export interface SessionPiece {
  readonly nodeId: string;
  readonly epoch: number;
  readonly piece: OutputPiece;
  /** It begins where the agent was acknowledged to last: what is missing before it will never come. Default false. */
  readonly mayLeaveGap?: boolean;
}

export type OutputResult = 'stored' | 'missing' | 'stale' | 'gap';

interface PieceRow<S extends OutputStreamName = OutputStreamName> {
  stream: S;
  start_offset: number;
  content: Uint8Array;
  arrival: number;
  host_ms: number;
}

/**
 * Stores pieces of output, all or none. Pieces of one stream are in order.
 *
 * `stored`: the bytes are stored, now or before; those of a deleted task count as stored, because nobody will ask for them.
 * `missing`: stored, and the bytes before it are counted as missing. `stale`: the node has a newer session. `gap`: bytes before it
 * are missing, which it must not leave out; nothing of it was stored.
 */
export async function insertOutput(
  sql: Sql,
  pieces: readonly SessionPiece[],
): Promise<OutputResult[]> {
  const rows = await sql<{ result: OutputResult }[]>`
    select * from insert_output(
      ${pieces.map(({ nodeId }) => nodeId)},
      ${pieces.map(({ epoch }) => epoch)},
      ${pieces.map(({ piece }) => piece.taskId)},
      ${pieces.map(({ piece }) => piece.attempt)},
      ${pieces.map(({ piece }) => piece.stream)},
      ${pieces.map(({ piece }) => piece.offset)},
      ${bytesArray(
        sql,
        pieces.map(({ piece }) => piece.content),
      )},
      ${pieces.map(({ piece }) => piece.at)},
      ${pieces.map(({ mayLeaveGap = false }) => String(mayLeaveGap))}::text[]::boolean[]
    ) as result`;
  return rows.map(({ result }) => result);
}

/**
 * Reads at most `limitBytes` of a stream from `offset`; less when less is stored, or when bytes are missing behind those. What is
 * missing at `offset` itself is passed over: `nextOffset` is the end of what was read.
 */
export async function readOutputRange(
  sql: Sql,
  taskId: string,
  attempt: number,
  stream: OutputStreamName,
  offset: number,
  limitBytes: number,
): Promise<{ content: Uint8Array; nextOffset: number }> {
  const rows = await selectPieces(sql, taskId, attempt, stream, offset, limitBytes);
  const start = Math.max(offset, rows[0]?.start_offset ?? 0);
  const pieces: Uint8Array[] = [];
  let end = start;
  for (const row of rows) {
    // Not across a gap.
    if (row.start_offset > end) break;
    const { content: part } = cut(row, start, start + limitBytes);
    pieces.push(part);
    end = Math.max(row.start_offset, start) + part.length;
  }
  const content = new Uint8Array(pieces.reduce((total, piece) => total + piece.length, 0));
  let length = 0;
  for (const piece of pieces) {
    content.set(piece, length);
    length += piece.length;
  }
  return { content, nextOffset: start + length };
}

/** Returns how many bytes of each stream of an attempt are missing between those that are stored. */
export async function readMissingOutput(
  sql: Sql,
  taskId: string,
  attempt: number,
): Promise<Readonly<Record<OutputStreamName, number>>> {
  const rows = await sql<{ stream: OutputStreamName; missing_bytes: number }[]>`
    select stream, missing_bytes from output_streams where task_id = ${taskId} and attempt = ${attempt}`;
  const missing = { stdout: 0, stderr: 0, result: 0 };
  for (const { stream, missing_bytes: bytes } of rows) missing[stream] = bytes;
  return missing;
}

/**
 * Lists at most `limitBytes` of both streams in the order of arrival, each from its own offset. The pieces at the borders are
 * cut, so that the next call can go on behind the last byte of each stream.
 */
export async function listOutput(
  sql: Sql,
  taskId: string,
  attempt: number,
  from: { readonly stdout: number; readonly stderr: number },
  limitBytes: number,
): Promise<(OutputPiece & { readonly stream: LogStreamName })[]> {
  const [stdout, stderr] = await Promise.all([
    selectPieces(sql, taskId, attempt, 'stdout', from.stdout, limitBytes),
    selectPieces(sql, taskId, attempt, 'stderr', from.stderr, limitBytes),
  ]);
  const rows = [...stdout, ...stderr].sort((a, b) => a.arrival - b.arrival);
  const pieces: (OutputPiece & { readonly stream: LogStreamName })[] = [];
  let left = limitBytes;
  for (const row of rows) {
    if (left <= 0) break;
    const start = Math.max(row.start_offset, from[row.stream]);
    const { offset, content } = cut(row, start, start + left);
    pieces.push({ taskId, attempt, stream: row.stream, offset, content, at: row.host_ms });
    left -= content.length;
  }
  return pieces;
}

/**
 * Selects the pieces that hold any of the bytes from `offset`, or from the first stored one behind it. Pieces follow each other closely
 * unless some are missing, so bytes are counted by offsets.
 */
async function selectPieces<S extends OutputStreamName>(
  sql: Sql,
  taskId: string,
  attempt: number,
  stream: S,
  offset: number,
  limitBytes: number,
): Promise<PieceRow<S>[]> {
  return await sql<PieceRow<S>[]>`
    with first as materialized (
      select start_offset from output_pieces
      where task_id = ${taskId} and attempt = ${attempt} and stream = ${stream} and end_offset > ${offset}
        -- Where to begin in the index: the last piece that does not begin behind the first byte.
        and start_offset >= coalesce((
          select max(start_offset) from output_pieces
          where task_id = ${taskId} and attempt = ${attempt} and stream = ${stream} and start_offset <= ${offset}
        ), 0)
      order by start_offset
      limit 1
    )
    select stream, start_offset, content, arrival,
           (extract(epoch from host_at) * 1000)::double precision as host_ms
    from output_pieces
    where task_id = ${taskId} and attempt = ${attempt} and stream = ${stream}
      and start_offset >= (select start_offset from first)
      and start_offset < greatest((select start_offset from first), ${offset}) + ${limitBytes}
    order by start_offset`;
}

function cut(row: PieceRow, from: number, until: number): { offset: number; content: Uint8Array } {
  const offset = Math.max(row.start_offset, from);
  const content = row.content.subarray(
    offset - row.start_offset,
    Math.max(0, until - row.start_offset),
  );
  return { offset, content };
}
