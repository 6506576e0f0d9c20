/**
 * One session of the supervisor for tests: what came, and a queue of what is to be sent.
 */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type Hello,
  type SessionRequest,
  type SessionResponse,
  SessionResponseSchema,
  type WorkerChanged,
} from '../../proto/gen/muster/v1/agent_service_pb.ts';

type ResponseInit = NonNullable<MessageInitShape<typeof SessionResponseSchema>['message']>;

export class SupervisorSession {
  readonly hello: Hello;
  readonly epoch: number;
  readonly requests: SessionRequest[] = [];
  readonly workers: WorkerChanged[] = [];
  readonly seqs: number[] = [];
  isOpen = true;
  #queue: SessionResponse[] = [];
  #wake: (() => void) | null = null;

  constructor(hello: Hello, epoch: number) {
    this.hello = hello;
    this.epoch = epoch;
  }

  /** How many messages of a kind have come. */
  count(kind: SessionRequest['message']['case']): number {
    return this.requests.filter(({ message }) => message.case === kind).length;
  }

  send(message: ResponseInit): void {
    this.#queue.push(create(SessionResponseSchema, { message }));
    this.#wake?.();
  }

  acknowledge(seq: number): void {
    this.send({ case: 'ack', value: { seq: BigInt(seq) } });
  }

  /** Ends the stream without a word. */
  end(): void {
    this.isOpen = false;
    this.#wake?.();
  }

  async *responses(): AsyncIterable<SessionResponse> {
    while (this.isOpen || this.#queue.length > 0) {
      const next = this.#queue.shift();
      if (next !== undefined) yield next;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}
