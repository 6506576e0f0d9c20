/**
 * The agent's end of one session, as a test drives it.
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { createClient, type Transport } from '@connectrpc/connect';
import {
  AgentService,
  HeldPhase,
  type HelloSchema,
  type SessionRequestSchema,
  type SessionResponse,
} from '../../../proto/gen/muster/v1/agent_service_pb.ts';
import type { AgentCommand } from '../../supervisor/supervisor.ts';
import { taskId } from './stub-supervisor.ts';

type Request = MessageInitShape<typeof SessionRequestSchema>;

export const HELLO: MessageInitShape<typeof HelloSchema> = {
  nodeId: 'node-1',
  bootId: 'boot-1',
  protocolVersions: [2, 1],
  slots: 4,
  labels: { zone: 'a' },
  facts: { hostname: 'h', cores: 2, memoryBytes: 1024n },
  held: [{ taskId: taskId(3).toUpperCase(), attempt: 2, phase: HeldPhase.EXECUTING }],
};

/** A command that starts an attempt, with a field in its spec that this program does not know. */
export const start: Extract<AgentCommand, { kind: 'start' }> = {
  kind: 'start',
  taskId: taskId(1),
  attempt: 1,
  name: 'a task',
  timeoutMs: 90_500,
  stopGraceMs: 10_000,
  outputCapBytes: 16_777_216,
  leaseMs: 60_000,
  spec: {
    target: { any: {} },
    script: { body: 'echo hello', interpreter: 'INTERPRETER_BASH', env: { A: '1' } },
    writtenByANewerProgram: true,
  },
};

export class SessionAgent {
  readonly #outgoing: Request[] = [];
  #wake: (() => void) | null = null;
  #isOver = false;
  readonly leaving = new AbortController();
  /** Answers are taken as they come: in memory, a stream that nobody reads stands still. */
  readonly #answers: Promise<IteratorResult<SessionResponse>>[] = [];
  #taken = 0;

  constructor(transport: Transport) {
    const client = createClient(AgentService, transport);
    const { signal } = this.leaving;
    const answers = client.session(this.#requests(), { signal })[Symbol.asyncIterator]();
    const takeNext = () => {
      const answer = answers.next();
      this.#answers.push(answer);
      void answer.then(
        ({ done }) => (done === true ? undefined : takeNext()),
        () => {},
      );
    };
    takeNext();
  }

  send(message: Request['message']): void {
    this.#outgoing.push(message === undefined ? {} : { message });
    this.#wake?.();
  }

  end(): void {
    this.#isOver = true;
    this.#wake?.();
  }

  async next(): Promise<SessionResponse['message']> {
    const answer = this.#answers[Math.min(this.#taken, this.#answers.length - 1)];
    this.#taken += 1;
    const { done, value } = (await answer) ?? { done: true };
    return done === true || value === undefined ? { case: undefined } : value.message;
  }

  async *#requests(): AsyncIterable<Request> {
    for (;;) {
      const next = this.#outgoing.shift();
      if (next !== undefined) yield next;
      else if (this.#isOver) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
