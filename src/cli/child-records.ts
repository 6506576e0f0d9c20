/** The output of one child of a fan-out for programs: a document for each line, with its node, its task and its stream. */
import { StringDecoder } from 'node:string_decoder';
import { OutputStream } from '../../proto/gen/muster/v1/task_pb.ts';
import type { Task } from '../../proto/gen/muster/v1/task_pb.ts';
import type { Connection } from './connection.ts';
import { enumName } from './enums.ts';
import { followOutput } from './follow.ts';
import { printLines } from './output.ts';
import type { Reconnect } from './reconnect.ts';
import { note } from './sink.ts';

export interface ChildRecordOptions {
  readonly signal?: AbortSignal;
  readonly isWanted: (stream: OutputStream) => boolean;
}

/** Prints what is stored, whole. What is not stored any more is told on standard error. */
export async function printChildRecords(
  connection: Connection,
  reconnect: Reconnect,
  { id, nodeId }: Pick<Task, 'id' | 'nodeId'>,
  { signal, isWanted }: ChildRecordOptions,
): Promise<void> {
  const lines = new LineSplitter();
  const print = (stream: OutputStream, texts: readonly string[]) => {
    const name = enumName(OutputStream, stream);
    return printLines(texts.map((text) => ({ node: nodeId, taskId: id, stream: name, text })));
  };
  const flush = async () => {
    for (const [stream, text] of lines.rest()) await print(stream, [text]);
  };
  const lack = (why: string) => async (_: number, bytes: bigint) => {
    await note(`${nodeId}: ${bytes} bytes of the output ${why} (task ${id})`);
  };
  let attempt = 0;
  await followOutput(
    connection,
    reconnect,
    { id, waits: false, signal },
    {
      chunk: async (chunk) => {
        if (!isWanted(chunk.stream)) return;
        if (chunk.attempt !== attempt) await flush();
        attempt = chunk.attempt;
        await print(chunk.stream, lines.split(chunk.stream, chunk.content));
      },
      dropped: lack('were over the cap and are not stored'),
      expired: lack('have expired and are deleted'),
    },
  );
  await flush();
}

/** Cuts the bytes of each stream into lines. What is no UTF-8 becomes U+FFFD. */
class LineSplitter {
  readonly #streams = new Map<OutputStream, { decoder: StringDecoder; rest: string }>();

  split(stream: OutputStream, content: Uint8Array): string[] {
    const known = this.#streams.get(stream) ?? { decoder: new StringDecoder('utf8'), rest: '' };
    const text = known.rest + known.decoder.write(content);
    const lines = text.split('\n');
    this.#streams.set(stream, { ...known, rest: lines.pop() ?? '' });
    return lines;
  }

  /** Ends all streams; returns the last lines, which have no end. */
  rest(): [OutputStream, string][] {
    const rests = [...this.#streams].map(([stream, { decoder, rest }]): [OutputStream, string] => [
      stream,
      rest + decoder.end(),
    ]);
    this.#streams.clear();
    return rests.filter(([, text]) => text !== '');
  }
}
