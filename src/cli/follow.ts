/**
 * Follows the output of a task across lost connections: every byte once, in order.
 *
 * It remembers the attempt and the offset of both streams, asks for what follows after each reconnect, and cuts off what comes
 * twice. `run` and `task logs` write what it hands on; an item counts as received once it is written.
 */
import { Code, ConnectError } from '@connectrpc/connect';
import type { Task } from '../../proto/gen/muster/v1/task_pb.ts';
import { OutputStream } from '../../proto/gen/muster/v1/task_pb.ts';
import type {
  AttemptProgressed,
  OutputChunk,
  TailOutputResponse,
} from '../../proto/gen/muster/v1/output_pb.ts';
import type { Connection } from './connection.ts';
import { isFinal } from './exit-code.ts';
import type { Reconnect } from './reconnect.ts';

/** What is to be followed. */
export interface FollowRequest {
  readonly id: string;
  /** Only this attempt. Default: all, from the first. */
  readonly attempt?: number | undefined;
  /** False: only what is stored now. */
  readonly waits: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Receives the chunks, without gap and repeat. */
export interface OutputReader {
  chunk(chunk: OutputChunk): Promise<void>;
  /** `bytes` of an attempt are not stored, for the cap was reached or they are missing. */
  dropped(attempt: number, bytes: bigint): Promise<void>;
  /** `bytes` of an attempt were stored and have been deleted since. */
  expired(attempt: number, bytes: bigint): Promise<void>;
  /** The attempt under way says how far it is. */
  progress?(progressed: AttemptProgressed): Promise<void>;
}

/**
 * Hands on the output of a task until it is final, or until all that is stored has come.
 *
 * @returns the task as it stands then; undefined when only one attempt was asked for and the next one has begun
 */
export async function followOutput(
  connection: Connection,
  reconnect: Reconnect,
  request: FollowRequest,
  reader: OutputReader,
): Promise<Task | undefined> {
  const follower = new Follower(request, reader);
  return await reconnect.run(async () => {
    const options = request.signal === undefined ? {} : { signal: request.signal };
    const stream = connection.tasks.tailOutput(follower.request(), options);
    for await (const { item } of stream) {
      reconnect.progressed();
      if (item.case === 'task' && (isFinal(item.value) || !request.waits)) {
        await follower.end();
        return item.value;
      }
      if (!(await follower.receive(item))) return undefined;
    }
    throw new ConnectError('the output ended before the task', Code.Unavailable);
  }, request.signal);
}

class Follower {
  readonly #request: FollowRequest;
  readonly #reader: OutputReader;
  #attempt: number;
  readonly #offsets = new Map<OutputStream, bigint>();
  /** Told at the end of the attempt, since the count may still grow. */
  #dropped = 0n;
  #expired = 0n;

  constructor(request: FollowRequest, reader: OutputReader) {
    this.#request = request;
    this.#reader = reader;
    this.#attempt = request.attempt ?? 0;
  }

  request() {
    return {
      id: this.#request.id,
      attempt: this.#attempt,
      stdoutOffset: this.#offset(OutputStream.STDOUT),
      stderrOffset: this.#offset(OutputStream.STDERR),
      storedOnly: !this.#request.waits,
    };
  }

  /** Returns false when what comes next is not asked for. */
  async receive(item: TailOutputResponse['item']): Promise<boolean> {
    if (item.case === 'progress') await this.#reader.progress?.(item.value);
    if (item.case === undefined || item.case === 'task' || item.case === 'progress') return true;
    const { attempt } = item.value;
    if (attempt < this.#attempt) return true;
    if (attempt > this.#attempt) {
      await this.end();
      if (this.#request.attempt !== undefined) return false;
      this.#attempt = attempt;
      this.#offsets.clear();
    }
    if (item.case === 'chunk') await this.#receiveChunk(item.value);
    else if (item.case === 'dropped') this.#dropped = item.value.bytes;
    else this.#expired = item.value.bytes;
    return true;
  }

  /** Tells what the current attempt has dropped and lost. */
  async end(): Promise<void> {
    if (this.#dropped > 0n) await this.#reader.dropped(this.#attempt, this.#dropped);
    if (this.#expired > 0n) await this.#reader.expired(this.#attempt, this.#expired);
    this.#dropped = 0n;
    this.#expired = 0n;
  }

  async #receiveChunk(chunk: OutputChunk): Promise<void> {
    const expected = this.#offset(chunk.stream);
    const end = chunk.offset + BigInt(chunk.content.length);
    if (end <= expected) return;
    if (chunk.offset > expected) {
      await this.#reader.dropped(chunk.attempt, chunk.offset - expected);
    }
    const repeated = chunk.offset < expected ? Number(expected - chunk.offset) : 0;
    await this.#reader.chunk(
      repeated === 0
        ? chunk
        : { ...chunk, offset: expected, content: chunk.content.subarray(repeated) },
    );
    this.#offsets.set(chunk.stream, end);
  }

  #offset(stream: OutputStream): bigint {
    return this.#offsets.get(stream) ?? 0n;
  }
}
