/**
 * The way from the supervisor to one agent: a bounded queue on one side, the messages of the stream on the other.
 *
 * Sending never blocks. While a message is being written, commands gather into one, and acknowledgements into the highest.
 * An agent that does not read loses its session, never the supervisor its memory.
 */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type Command,
  type GoodbyeReason,
  type SessionResponse,
  SessionResponseSchema,
} from '../../proto/gen/muster/v1/agent_service_pb.ts';
import type { Logger } from '../process/log.ts';
import type {
  AgentCommand,
  AgentLink,
  GoodbyeReason as ReasonName,
} from '../supervisor/supervisor.ts';
import { commandOf, GOODBYE_REASONS } from './session-messages.ts';

const MAX_QUEUED_COMMANDS = 100_000;
const MAX_QUEUED_BYTES = 64 * 2 ** 20;
/** Of the commands in one message, unless the first alone is larger. */
const MAX_MESSAGE_BYTES = 2 ** 20;

interface Queued {
  readonly message: Command;
  readonly bytes: number;
}

export class SessionLink implements AgentLink {
  #commands: Queued[] = [];
  /** Commands before this one are sent; they leave the array when all are. */
  #sent = 0;
  #queuedBytes = 0;
  #ackSeq: number | null = null;
  #wasAck = false;
  #isHeartbeatDue = false;
  #goodbye: SessionResponse | null = null;
  #isClosed = false;
  #wake: (() => void) | null = null;
  readonly #log: Logger;
  readonly #hooks: { onAcknowledged(seq: number): void; onHeartbeat(): void; onClosed(): void };

  /** @param hooks tell the other direction of the stream what happened in this one */
  constructor(
    log: Logger,
    hooks: { onAcknowledged(seq: number): void; onHeartbeat(): void; onClosed(): void },
  ) {
    this.#log = log;
    this.#hooks = hooks;
  }

  send(commands: readonly AgentCommand[]): void {
    if (this.#isClosed) return;
    for (const command of commands) {
      const queued = this.#encode(command);
      if (queued === null) continue;
      this.#commands.push(queued);
      this.#queuedBytes += queued.bytes;
    }
    if (
      this.#commands.length - this.#sent > MAX_QUEUED_COMMANDS ||
      this.#queuedBytes > MAX_QUEUED_BYTES
    ) {
      this.close('protocol_error', 'Cannot hold the session: the agent does not read');
    }
    this.#notify();
  }

  acknowledge(seq: number): void {
    this.#ackSeq = Math.max(this.#ackSeq ?? 0, seq);
    this.#hooks.onAcknowledged(seq);
    this.#notify();
  }

  heartbeat(): void {
    this.#isHeartbeatDue = true;
    this.#hooks.onHeartbeat();
    this.#notify();
  }

  close(reason: ReasonName, message: string): void {
    this.closeWith(GOODBYE_REASONS[reason], message);
  }

  /** As close, for any reason of the protocol. */
  closeWith(reason: GoodbyeReason, message: string): void {
    if (this.#isClosed) return;
    this.#end(goodbyeOf(reason, message));
  }

  /** Ends the stream without a word: the other side is gone. */
  abandon(): void {
    if (!this.#isClosed) this.#end(null);
  }

  /** The next message to write, waiting for it; null after Goodbye, or when it is closed. Whoever reads decides how fast. */
  async next(): Promise<SessionResponse | null> {
    for (;;) {
      const next = this.#next();
      if (next !== null || this.#isClosed) return next;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #next(): SessionResponse | null {
    if (this.#goodbye !== null) {
      const goodbye = this.#goodbye;
      this.#goodbye = null;
      return goodbye;
    }
    if (this.#isClosed) return null;
    const hasCommands = this.#sent < this.#commands.length;
    // They take turns, so that a stream of one does not hold up the other.
    if (this.#ackSeq !== null && !(hasCommands && this.#wasAck)) {
      const seq = BigInt(this.#ackSeq);
      this.#ackSeq = null;
      this.#wasAck = true;
      return responseOf({ case: 'ack', value: { seq } });
    }
    if (hasCommands) {
      this.#wasAck = false;
      return responseOf({ case: 'commands', value: { commands: this.#takeCommands() } });
    }
    if (!this.#isHeartbeatDue) return null;
    this.#isHeartbeatDue = false;
    return responseOf({ case: 'heartbeat', value: {} });
  }

  #takeCommands(): Command[] {
    const taken: Command[] = [];
    let bytes = 0;
    for (let next = this.#commands[this.#sent]; next !== undefined; ) {
      if (taken.length > 0 && bytes + next.bytes > MAX_MESSAGE_BYTES) break;
      taken.push(next.message);
      bytes += next.bytes;
      this.#sent += 1;
      next = this.#commands[this.#sent];
    }
    this.#queuedBytes -= bytes;
    if (this.#sent === this.#commands.length) {
      this.#commands = [];
      this.#sent = 0;
    }
    return taken;
  }

  /** A spec that cannot be read is a defect; it must not cost the other commands. */
  #encode(command: AgentCommand): Queued | null {
    try {
      return commandOf(command);
    } catch (fault) {
      const { kind } = command;
      const task = command.kind === 'operate' ? command.worker : command.taskId;
      const stack = fault instanceof Error ? fault.stack : String(fault);
      this.#log.error('a command cannot be written', { task, kind, stack });
      return null;
    }
  }

  #end(goodbye: SessionResponse | null): void {
    this.#isClosed = true;
    this.#goodbye = goodbye;
    this.#commands = [];
    this.#sent = 0;
    this.#queuedBytes = 0;
    this.#hooks.onClosed();
    this.#notify();
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }
}

export function goodbyeOf(reason: GoodbyeReason, message: string): SessionResponse {
  return responseOf({ case: 'goodbye', value: { reason, message } });
}

/** Makes one message of a session. */
export function responseOf(
  message: MessageInitShape<typeof SessionResponseSchema>['message'],
): SessionResponse {
  return create(SessionResponseSchema, message === undefined ? {} : { message });
}
