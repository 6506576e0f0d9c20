/**
 * The content of a file action on its way between host and supervisor, in chunks, with the token of the node.
 *
 * A supervisor that is away is waited for: the timeout of the task ends that. What it says about the request is final.
 */
import { Code, ConnectError } from '@connectrpc/connect';
import { ErrorDetailSchema } from '../../../proto/gen/muster/v1/task_pb.ts';
import { type Clock, sleep } from '../../../src/process/clock.ts';
import { readOwnToken } from '../../../src/process/tokens.ts';
import { type Connection, createConnect } from '../../transport.ts';
import { FileFailure } from './failure.ts';
import type { FileRequest } from './request.ts';

/** The largest chunk that a call takes. */
export const CHUNK_BYTES = 2 ** 20;
/** With the last chunk the supervisor reads all of them back. */
const CALL_TIMEOUT_MS = 60_000;
const FIRST_WAIT_MS = 100;
const LAST_WAIT_MS = 5_000;

/** The contents that one attempt may transfer. */
export interface AttemptContents {
  /** Returns bytes of the content to be put, from an offset; none at its end. */
  read(offset: number): Promise<Uint8Array>;
  /** Adds bytes to the content that was fetched, and says where to go on. */
  store(chunk: {
    readonly sha256: string;
    readonly sizeBytes: number;
    readonly offset: number;
    readonly content: Uint8Array;
  }): Promise<{ readonly storedBytes: number; readonly isComplete: boolean }>;
}

export class SupervisorContents implements AttemptContents {
  readonly #request: FileRequest;
  readonly #clock: Clock;
  readonly #say: (sentence: string) => void;
  #connection: Connection | null = null;
  #isWaiting = false;

  /** @param say is told once each time that the supervisor has to be waited for */
  constructor(request: FileRequest, clock: Clock, say: (sentence: string) => void) {
    this.#request = request;
    this.#clock = clock;
    this.#say = say;
  }

  async read(offset: number): Promise<Uint8Array> {
    const { taskId, attempt } = this.#request;
    const { content } = await this.#call(({ client }, options) =>
      client.readAttemptContent({ taskId, attempt, offset: BigInt(offset) }, options),
    );
    return content;
  }

  async store(
    chunk: Parameters<AttemptContents['store']>[0],
  ): ReturnType<AttemptContents['store']> {
    const { taskId, attempt } = this.#request;
    const { sha256, sizeBytes, offset, content } = chunk;
    const key = { taskId, attempt, sha256, sizeBytes: BigInt(sizeBytes), offset: BigInt(offset) };
    const { storedBytes, complete } = await this.#call(({ client }, options) =>
      client.storeAttemptContent({ ...key, content }, options),
    );
    return { storedBytes: Number(storedBytes), isComplete: complete };
  }

  /** One that works is never closed: it ends with the process. A supervisor on Deno may not survive a GOAWAY after an answer. */
  #dropConnection(): void {
    this.#connection?.close();
    this.#connection = null;
  }

  async #call<T>(
    act: (connection: Connection, options: { headers: Headers; timeoutMs: number }) => Promise<T>,
  ): Promise<T> {
    const { serverUrl, ca, nodeTokenFile } = this.#request.supervisor;
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 2, LAST_WAIT_MS)) {
      try {
        // Read each time: the agent may have got a new one.
        const authorization = `Bearer ${await readOwnToken(nodeTokenFile)}`;
        this.#connection ??= createConnect(serverUrl, ca)();
        const headers = new Headers({ authorization });
        const answer = await act(this.#connection, { headers, timeoutMs: CALL_TIMEOUT_MS });
        this.#isWaiting = false;
        return answer;
      } catch (cause) {
        const error = ConnectError.from(cause);
        const { rawMessage } = error;
        const isAnswer = error.findDetails(ErrorDetailSchema).length > 0;
        if (isFinal(error, isAnswer)) throw new FileFailure(rawMessage, { cause });
        if (!isAnswer) this.#dropConnection();
        if (!this.#isWaiting) this.#say(`waiting for the supervisor: ${rawMessage}`);
        this.#isWaiting = true;
        await sleep(this.#clock, waitMs);
      }
    }
  }
}

/** What the supervisor itself has said of the request stays true; of a token it may be true for a moment only. */
function isFinal({ code }: ConnectError, isAnswer: boolean): boolean {
  if (!isAnswer) return code === Code.Unimplemented;
  return code !== Code.Unavailable && code !== Code.Unauthenticated;
}
