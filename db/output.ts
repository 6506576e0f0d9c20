/**
 * The statements about output: bytes of attempts, as agents sent them.
 *
 * Each stream of an attempt is stored once and in order (I5): its row in output_streams says how far it is stored, whoever adds
 * to it holds that row, and what is stored already is cut off. A session whose epoch is over adds nothing (I6).
 */
import type postgres from 'postgres';
import { bytesArray } from './array-types.ts';
import type { Sql } from './connect.ts';
import { addPieces } from './output-ends.ts';
import type { OutputResult, SessionPiece, StreamEnd } from './output-ends.ts';
import type { OutputPiece, OutputStreamName } from './records.ts';

interface PieceRow {
  stream: OutputStreamName;
  start_offset: number;
  end_offset: number;
  content: Uint8Array;
  host_ms: number;
}

/**
 * Stores pieces of output in one transaction. Pieces of one stream are in order.
 *
 * `stored`: the bytes are stored, now or before; those of a deleted task count as stored, because nobody will ask for them.
 * `stale`: the node has a newer session. `gap`: bytes before it are missing; nothing of it was stored.
 */
export async function insertOutput(
  sql: Sql,
  pieces: readonly SessionPiece[],
): Promise<OutputResult[]> {
  if (pieces.length === 0) return [];
  return await sql.begin(async (tx) => {
    const epochs = await readEpochs(tx, pieces);
    const current = pieces.filter(({ nodeId, epoch }) => epochs.get(nodeId) === epoch);
    const ends = await openStreams(tx, current);
    const { results, accepted, moved } = addPieces(pieces, epochs, ends);
    if (accepted.length > 0) await writePieces(tx, accepted, moved);
    return results;
  });
}

/** Holds the sessions of the nodes: no epoch rises before the end of the transaction. */
async function readEpochs(
  tx: postgres.TransactionSql,
  pieces: readonly SessionPiece[],
): Promise<Map<string, number>> {
  const nodeIds = [...new Set(pieces.map(({ nodeId }) => nodeId))].sort();
  const rows = await tx<{ id: string; epoch: number }[]>`
    select id, epoch from nodes where id = any(${nodeIds}::text[]) order by id for share`;
  return new Map(rows.map((row) => [row.id, row.epoch]));
}

/** Holds the streams of the pieces and returns where they end. A stream of a deleted task is not among them. */
async function openStreams(
  tx: postgres.TransactionSql,
  pieces: readonly SessionPiece[],
): Promise<StreamEnd[]> {
  const streams = new Map(
    pieces.map(({ piece }) => [`${piece.taskId} ${piece.attempt} ${piece.stream}`, piece]),
  );
  // One order for all, so that two batches cannot wait for each other.
  const sorted = [...streams.keys()].sort().map((key) => streams.get(key) as OutputPiece);
  const wanted = tx`
    unnest(
      ${sorted.map(({ taskId }) => taskId)}::uuid[],
      ${sorted.map(({ attempt }) => attempt)}::integer[],
      ${sorted.map(({ stream }) => stream)}::text[]
    ) as wanted (task_id, attempt, stream)`;
  const held = () => tx<StreamEnd[]>`
    select s.task_id as "taskId", s.attempt, s.stream, s.end_offset as "endOffset"
    from output_streams as s
    where (s.task_id, s.attempt, s.stream) in (select * from ${wanted})
    order by s.task_id, s.attempt, s.stream
    for update`;
  const known = await held();
  if (known.length === sorted.length) return known;
  await tx`
    with owners as materialized (
      -- A share of each task, so that deleteTask sees the streams or these statements see that it is gone.
      select id from tasks where id in (select task_id from ${wanted}) order by id for key share
    )
    insert into output_streams (task_id, attempt, stream, end_offset)
    select task_id, attempt, stream, 0 from ${wanted}
    where task_id in (select id from owners)
    order by task_id, attempt, stream
    on conflict do nothing`;
  return await held();
}

async function writePieces(
  tx: postgres.TransactionSql,
  pieces: readonly OutputPiece[],
  ends: readonly StreamEnd[],
): Promise<void> {
  await tx`
    with moved as (
      update output_streams as s
      set end_offset = moved.end_offset
      from unnest(
        ${ends.map(({ taskId }) => taskId)}::uuid[],
        ${ends.map(({ attempt }) => attempt)}::integer[],
        ${ends.map(({ stream }) => stream)}::text[],
        ${ends.map(({ endOffset }) => endOffset)}::bigint[]
      ) as moved (task_id, attempt, stream, end_offset)
      where s.task_id = moved.task_id and s.attempt = moved.attempt and s.stream = moved.stream
    )
    insert into output_pieces (task_id, attempt, stream, start_offset, end_offset, content, host_at)
    select task_id, attempt, stream, start_offset, start_offset + length(content), content, to_timestamp(host_ms / 1000)
    from unnest(
      ${pieces.map(({ taskId }) => taskId)}::uuid[],
      ${pieces.map(({ attempt }) => attempt)}::integer[],
      ${pieces.map(({ stream }) => stream)}::text[],
      ${pieces.map(({ offset }) => offset)}::bigint[],
      ${bytesArray(tx, pieces.map(({ content }) => content))},
      ${pieces.map(({ at }) => at)}::double precision[]
    ) with ordinality as piece (task_id, attempt, stream, start_offset, content, host_ms, place)
    -- The order of arrival: the identity column counts the rows as they are inserted.
    order by place`;
}

/** Reads at most `limitBytes` of a stream from `offset`; less when less is stored. */
export async function readOutputRange(
  sql: Sql,
  taskId: string,
  attempt: number,
  stream: OutputStreamName,
  offset: number,
  limitBytes: number,
): Promise<{ content: Uint8Array; nextOffset: number }> {
  const rows = await selectPieces(sql, taskId, attempt, stream, offset, limitBytes);
  const pieces = rows.map((row) => cut(row, offset, offset + limitBytes).content);
  const content = new Uint8Array(pieces.reduce((total, piece) => total + piece.length, 0));
  let length = 0;
  for (const piece of pieces) {
    content.set(piece, length);
    length += piece.length;
  }
  return { content, nextOffset: offset + length };
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
): Promise<OutputPiece[]> {
  const [stdout, stderr] = await Promise.all([
    selectPieces(sql, taskId, attempt, 'stdout', from.stdout, limitBytes),
    selectPieces(sql, taskId, attempt, 'stderr', from.stderr, limitBytes),
  ]);
  const rows = [...stdout, ...stderr].sort((a, b) => a.arrival - b.arrival);
  const pieces: OutputPiece[] = [];
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

/** Selects the pieces that hold any of the bytes from `offset`. Pieces have no gaps, so bytes are counted by offsets. */
async function selectPieces(
  sql: Sql,
  taskId: string,
  attempt: number,
  stream: OutputStreamName,
  offset: number,
  limitBytes: number,
): Promise<(PieceRow & { arrival: number })[]> {
  return await sql<(PieceRow & { arrival: number })[]>`
    select stream, start_offset, end_offset, content, arrival,
           (extract(epoch from host_at) * 1000)::double precision as host_ms
    from output_pieces
    where task_id = ${taskId} and attempt = ${attempt} and stream = ${stream}
      and start_offset < ${offset + limitBytes} and end_offset > ${offset}
      -- Where to begin in the index: the piece that holds the first byte.
      and start_offset >= coalesce((
        select max(start_offset) from output_pieces
        where task_id = ${taskId} and attempt = ${attempt} and stream = ${stream} and start_offset <= ${offset}
      ), 0)
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
