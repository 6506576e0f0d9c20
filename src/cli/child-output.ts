/** The output of one child of a fan-out, read once it is wanted and no further than a terminal can use. */
import type { Task } from '../../proto/gen/muster/v1/task_pb.ts';
import type { OutputStream } from '../../proto/gen/muster/v1/task_pb.ts';
import type { Connection } from './connection.ts';
import { followOutput } from './follow.ts';
import type { Reconnect } from './reconnect.ts';

/** Of one node, both streams together; the rest is in `task logs`. */
const MAX_SHOWN_BYTES = 2 ** 20;

export interface ChildOutput {
  readonly output: Uint8Array;
  /** A line that says how much more there is and where; empty where this is all. */
  readonly rest: string;
}

/** Reads what is stored. @param isWanted default: both streams */
export async function readChildOutput(
  connection: Connection,
  reconnect: Reconnect,
  { id }: Pick<Task, 'id'>,
  options: {
    readonly signal?: AbortSignal;
    readonly isWanted?: (stream: OutputStream) => boolean;
  } = {},
): Promise<ChildOutput> {
  const { signal, isWanted = () => true } = options;
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  await followOutput(
    connection,
    reconnect,
    { id, waits: false, signal },
    {
      chunk: async ({ stream, content }) => {
        if (!isWanted(stream)) return;
        const room = Math.max(MAX_SHOWN_BYTES - bytes, 0);
        if (room > 0) pieces.push(content.subarray(0, room));
        bytes += content.length;
      },
      dropped: async (_, count) => void (bytes += Number(count)),
      expired: async (_, count) => void (bytes += Number(count)),
    },
  );
  const output = Buffer.concat(pieces);
  const more = bytes - output.length;
  return { output, rest: more > 0 ? `… ${more} bytes more: muster task logs ${id}\n` : '' };
}
