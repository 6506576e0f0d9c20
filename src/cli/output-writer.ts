/**
 * Writes the output of a task: raw bytes each to its own stream, or JSON.
 *
 * As a table: what the command wrote to standard output goes to ours, the same for standard error, unchanged. As jsonl: one
 * TailOutputResponse a line. As json: everything as one document at the end.
 */
import { create } from '@bufbuild/protobuf';
import type { Task } from '../../proto/gen/muster/v1/task_pb.ts';
import { OutputStream, TaskSchema } from '../../proto/gen/muster/v1/task_pb.ts';
import {
  OutputChunkSchema,
  TailOutputResponseSchema,
} from '../../proto/gen/muster/v1/output_pb.ts';
import type { OutputReader } from './follow.ts';
import type { OutputForm } from './output.ts';
import { messageJson, printDocument, printLines } from './output.ts';
import { ProgressLine } from './progress-line.ts';
import { note, stderr, stdout } from './sink.ts';

/** An OutputReader that is told when the output is complete. */
export interface OutputWriter extends OutputReader {
  end(task: Task | undefined): Promise<void>;
}

/** Which streams of the task to write; both by default. */
export interface StreamChoice {
  readonly stdout?: boolean | undefined;
  readonly stderr?: boolean | undefined;
}

/** Tells which streams are chosen. */
export function chosenBy({
  stdout: out,
  stderr: err,
}: StreamChoice): (stream: OutputStream) => boolean {
  const isAll = out !== true && err !== true;
  return (stream) => isAll || (stream === OutputStream.STDERR ? err === true : out === true);
}

/** Returns the writer for an output form. */
export function createOutputWriter(form: OutputForm, choice: StreamChoice = {}): OutputWriter {
  const isWanted = chosenBy(choice);
  const writer =
    form === 'table' ? rawWriter() : form === 'jsonl' ? lineWriter() : documentWriter();
  return {
    ...writer,
    chunk: async (chunk) => {
      if (isWanted(chunk.stream)) await writer.chunk(chunk);
    },
  };
}

/** Writes what the command wrote, for `run -o json` and `call`: all of it to standard error, since standard output is for the task or its result. */
export function createAsideWriter(): OutputWriter {
  const writer = rawWriter();
  return {
    ...writer,
    chunk: (chunk) => writer.chunk({ ...chunk, stream: OutputStream.STDERR }),
  };
}

/** Says that bytes of an attempt are not there. */
async function noteDropped(attempt: number, bytes: bigint): Promise<void> {
  await note(
    `${bytes} bytes of the output of attempt ${attempt} are not stored: they were over the cap, or the database has lost them`,
  );
}

/** Says that bytes of an attempt are not there any more. */
async function noteExpired(attempt: number, bytes: bigint): Promise<void> {
  await note(`${bytes} bytes of the output of attempt ${attempt} have expired and are deleted`);
}

function rawWriter(): OutputWriter {
  const line = new ProgressLine();
  return {
    chunk: async (chunk) => {
      await line.erase();
      await (chunk.stream === OutputStream.STDERR ? stderr : stdout).write(chunk.content);
    },
    dropped: noteDropped,
    expired: noteExpired,
    progress: async ({ progress }) => {
      if (progress !== undefined) await line.show(progress);
    },
    end: () => line.erase(),
  };
}

function lineWriter(): OutputWriter {
  const print = (item: Parameters<typeof create<typeof TailOutputResponseSchema>>[1]) =>
    printLines([messageJson(TailOutputResponseSchema, create(TailOutputResponseSchema, item))]);
  return {
    chunk: (chunk) => print({ item: { case: 'chunk', value: chunk } }),
    dropped: (attempt, bytes) => print({ item: { case: 'dropped', value: { attempt, bytes } } }),
    expired: (attempt, bytes) => print({ item: { case: 'expired', value: { attempt, bytes } } }),
    progress: (progressed) => print({ item: { case: 'progress', value: progressed } }),
    end: async (task) => {
      if (task !== undefined) await print({ item: { case: 'task', value: task } });
    },
  };
}

function documentWriter(): OutputWriter {
  const chunks: unknown[] = [];
  const dropped: unknown[] = [];
  const expired: unknown[] = [];
  return {
    chunk: async (chunk) => {
      chunks.push(messageJson(OutputChunkSchema, chunk));
    },
    dropped: async (attempt, bytes) => {
      dropped.push({ attempt, bytes: String(bytes) });
    },
    expired: async (attempt, bytes) => {
      expired.push({ attempt, bytes: String(bytes) });
    },
    end: async (task) => {
      const gone = expired.length === 0 ? {} : { expired };
      const shown = task === undefined ? {} : { task: messageJson(TaskSchema, task) };
      await printDocument({ chunks, dropped, ...gone, ...shown });
    },
  };
}
