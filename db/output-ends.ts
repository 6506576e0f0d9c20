/**
 * Decides which bytes of a batch of output are new. Pure; used by insertOutput while it holds the streams.
 *
 * The rule of I5 for each piece, in order: bytes before the stored end are there already and are cut off, a piece that begins
 * behind the stored end is refused, and the rest is added and moves the end.
 */
import type { OutputPiece, OutputStreamName } from './records.ts';

/** A piece with the session that it came through. */
export interface SessionPiece {
  readonly nodeId: string;
  readonly epoch: number;
  readonly piece: OutputPiece;
}

export type OutputResult = 'stored' | 'stale' | 'gap';

/** How far a stream of an attempt is stored. */
export interface StreamEnd {
  readonly taskId: string;
  readonly attempt: number;
  readonly stream: OutputStreamName;
  readonly endOffset: number;
}

/**
 * Returns what becomes of each piece, the pieces to be stored without the bytes that are there, and the new ends.
 *
 * @param epochs the current epoch of each node that is known
 * @param ends of all streams of known tasks
 */
export function addPieces(
  pieces: readonly SessionPiece[],
  epochs: ReadonlyMap<string, number>,
  ends: readonly StreamEnd[],
): { results: OutputResult[]; accepted: OutputPiece[]; moved: StreamEnd[] } {
  const known = new Map(ends.map((end) => [keyOf(end), end]));
  const moved = new Map<string, StreamEnd>();
  const accepted: OutputPiece[] = [];
  const results = pieces.map(({ nodeId, epoch, piece }): OutputResult => {
    if (epochs.get(nodeId) !== epoch) return 'stale';
    const key = keyOf(piece);
    const end = moved.get(key) ?? known.get(key);
    // Its task has been deleted.
    if (end === undefined) return 'stored';
    if (piece.offset > end.endOffset) return 'gap';
    const content = piece.content.subarray(end.endOffset - piece.offset);
    if (content.length === 0) return 'stored';
    accepted.push({ ...piece, offset: end.endOffset, content });
    moved.set(key, { ...end, endOffset: end.endOffset + content.length });
    return 'stored';
  });
  return { results, accepted, moved: [...moved.values()] };
}

function keyOf(of: { taskId: string; attempt: number; stream: OutputStreamName }): string {
  return `${of.taskId} ${of.attempt} ${of.stream}`;
}
