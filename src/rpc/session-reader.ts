/**
 * Reads what the agent of one open session sends and hands it to the supervisor, in order.
 *
 * Sequence numbers have no gap. What is read and not yet committed is bounded: past the bound nothing is read until
 * acknowledgements catch up, and the agent is held back by its transport.
 */
import { Code, ConnectError } from '@connectrpc/connect';
import { MusterError } from '../../machines/errors.ts';
import type { Event, SessionRequest } from '../../proto/gen/muster/v1/agent_service_pb.ts';
import type { OpenSession } from '../supervisor/supervisor.ts';
import { brokenBy, eventOf, metricsOf } from './session-messages.ts';

/** Read, handed over and not acknowledged. */
const MAX_PENDING_BYTES = 32 * 2 ** 20;
const EVENT_BYTES = 256;

/** How the incoming half of a session ended. */
export type SessionEnd =
  | { readonly kind: 'left' }
  | { readonly kind: 'gone' }
  | { readonly kind: 'broken'; readonly message: string };

export class SessionReader {
  #seq = 0;
  #acknowledged = 0;
  #pending: { seq: number; bytes: number }[] = [];
  #pendingBytes = 0;
  #resume: (() => void) | null = null;
  #session: OpenSession | null = null;

  /** Counts up to `seq` as committed. */
  acknowledged(seq: number): void {
    this.#acknowledged = Math.max(this.#acknowledged, seq);
    while (this.#pending[0] !== undefined && this.#pending[0].seq <= this.#acknowledged) {
      this.#pendingBytes -= this.#pending.shift()?.bytes ?? 0;
    }
    if (this.#pendingBytes <= MAX_PENDING_BYTES) this.release();
  }

  /** An agent that is held back cannot prove that it is alive; it is not blamed for that. */
  excuseSilence(): void {
    if (this.#resume !== null) this.#session?.heard();
  }

  /** Lets a held back reader go on, for the stream to end. */
  release(): void {
    const resume = this.#resume;
    this.#resume = null;
    resume?.();
  }

  /** Reads to the end of the stream. Never rejects. */
  async read(messages: AsyncIterator<SessionRequest>, session: OpenSession): Promise<SessionEnd> {
    this.#session = session;
    try {
      for (;;) {
        const { done, value } = await messages.next();
        if (done) return { kind: 'gone' };
        if (value.message.case === 'leave') return { kind: 'left' };
        this.#receive(value, session);
        if (this.#pendingBytes > MAX_PENDING_BYTES) {
          await new Promise<void>((resolve) => {
            this.#resume = resolve;
          });
        }
      }
    } catch (thrown) {
      return endOf(thrown);
    }
  }

  #receive({ message }: SessionRequest, session: OpenSession): void {
    switch (message.case) {
      case 'events': {
        const seq = Number(message.value.seq);
        if (seq !== this.#seq + 1) {
          throw brokenBy(`events number ${seq}; ${this.#seq + 1} comes next`);
        }
        const events = message.value.events.map(eventOf);
        this.#seq = seq;
        const bytes = message.value.events.reduce((sum, event) => sum + sizeOf(event), EVENT_BYTES);
        this.#pending.push({ seq, bytes });
        this.#pendingBytes += bytes;
        session.receive(seq, events);
        return;
      }
      case 'heartbeat':
        session.heard(metricsOf(message.value.metrics));
        return;
      case 'hello':
        throw brokenBy('a second Hello');
      case 'leave':
      case undefined:
    }
  }
}

function sizeOf({ event }: Event): number {
  return EVENT_BYTES + (event.case === 'output' ? event.value.content.length : 0);
}

/** Tells a broken connection, which says nothing of the agent, from a message that is none. */
function endOf(thrown: unknown): SessionEnd {
  if (thrown instanceof MusterError) return { kind: 'broken', message: thrown.message };
  if (!(thrown instanceof ConnectError)) return { kind: 'gone' };
  const isMessageFault =
    thrown.code === Code.InvalidArgument ||
    thrown.code === Code.ResourceExhausted ||
    thrown.code === Code.Unimplemented ||
    (thrown.code === Code.Internal && thrown.rawMessage.startsWith('parse '));
  return isMessageFault
    ? {
        kind: 'broken',
        message: brokenBy(`a message that cannot be read: ${thrown.rawMessage}`).message,
      }
    : { kind: 'gone' };
}
