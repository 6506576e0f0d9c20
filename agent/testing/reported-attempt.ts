/**
 * What a supervisor in a test has been told of one attempt. Output is put together as a real supervisor does it: by offset.
 */
import type {
  AttemptExited,
  AttemptLost,
  AttemptProgress,
  AttemptStarted,
  Event,
} from '../../proto/gen/muster/v1/agent_service_pb.ts';
import { OutputStream } from '../../proto/gen/muster/v1/task_pb.ts';

export class ReportedAttempt {
  accepted = 0;
  readonly started: AttemptStarted[] = [];
  readonly exited: AttemptExited[] = [];
  readonly lost: AttemptLost[] = [];
  /** Output that began behind the end of what was there; must stay empty (I5). */
  readonly gaps: string[] = [];
  /** Bytes that were sent more than once. */
  repeatedBytes = 0;
  readonly progress: AttemptProgress[] = [];
  readonly #stdout: Buffer[] = [];
  readonly #stderr: Buffer[] = [];
  readonly #result: Buffer[] = [];
  readonly #streams: Readonly<Partial<Record<number, Buffer[]>>> = {
    [OutputStream.STDOUT]: this.#stdout,
    [OutputStream.STDERR]: this.#stderr,
    [OutputStream.RESULT]: this.#result,
  };

  get stdout(): Buffer {
    return Buffer.concat(this.#stdout);
  }

  get stderr(): Buffer {
    return Buffer.concat(this.#stderr);
  }

  get result(): Buffer {
    return Buffer.concat(this.#result);
  }

  get isOver(): boolean {
    return this.exited.length + this.lost.length > 0;
  }

  take({ event }: Event): void {
    switch (event.case) {
      case 'accepted':
        this.accepted += 1;
        break;
      case 'started':
        this.started.push(event.value);
        break;
      case 'exited':
        this.exited.push(event.value);
        break;
      case 'lost':
        this.lost.push(event.value);
        break;
      case 'progress':
        this.progress.push(event.value);
        break;
      case 'output': {
        const { stream, offset, content } = event.value;
        const pieces = this.#streams[stream];
        if (pieces === undefined) throw new Error('output of no stream');
        this.#append(pieces, Number(offset), content);
        break;
      }
      case 'worker':
      case undefined:
        throw new Error(`${event.case} is no event of an attempt`);
    }
  }

  #append(pieces: Buffer[], offset: number, content: Uint8Array): void {
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    if (offset > length) this.gaps.push(`${offset} after ${length}`);
    const known = Math.min(length - offset, content.length);
    this.repeatedBytes += known;
    pieces.push(Buffer.from(content.subarray(known)));
  }
}
