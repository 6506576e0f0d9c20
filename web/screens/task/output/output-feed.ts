/**
 * The output of one attempt as it comes: what is stored first, then live, over the stream of the tab. After a lost connection it goes
 * on from its offsets.
 */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { TailOutputResponse } from '../../../../proto/gen/muster/v1/output_pb.ts';
import { OutputStream } from '../../../../proto/gen/muster/v1/task_pb.ts';
import { link } from '../../../live.ts';
import { LineIndex } from './line-index.ts';

/** Between two pictures of what comes. */
const SHOW_INTERVAL_MS = 100;

export interface FeedState {
  /** Raised with each change. */
  readonly version: number;
  /** Nothing follows. */
  readonly isOver: boolean;
  /** Bytes over the cap. */
  readonly droppedBytes: number;
  /** Bytes between others that are stored no more. */
  readonly missingBytes: number;
  /** Bytes that were stored and have been deleted. */
  readonly expiredBytes: number;
  /** Why it cannot be followed; null while it can. */
  readonly failure: string | null;
}

export class OutputFeed {
  readonly index = new LineIndex();
  readonly #taskId: string;
  readonly #attempt: number;
  readonly #listeners = new Set<() => void>();
  #state: FeedState = {
    version: 0,
    isOver: false,
    droppedBytes: 0,
    missingBytes: 0,
    expiredBytes: 0,
    failure: null,
  };
  #next: FeedState = this.#state;
  #isShowing = false;
  #unsubscribe: (() => void) | null = null;

  /** @param attempt from 1 */
  constructor(taskId: string, attempt: number) {
    this.#taskId = taskId;
    this.#attempt = attempt;
  }

  /** Follows until the returned function is called; begins again where it stopped. */
  start(): () => void {
    this.#unsubscribe = link.subscribe(
      () => ({
        case: 'output',
        value: {
          id: this.#taskId,
          attempt: this.#attempt,
          stdoutOffset: BigInt(this.index.endOf('stdout')),
          stderrOffset: BigInt(this.index.endOf('stderr')),
        },
      }),
      (message) => {
        if (message.case === 'output') this.#take(message.value.item);
        // Without a reason all has been told. With one, the next stream tries again.
        if (message.case === 'ended' && message.value.why !== '') {
          this.#change({ failure: message.value.why });
        }
      },
    );
    return () => this.#stop();
  }

  get state(): FeedState {
    return this.#state;
  }

  /** For useSyncExternalStore. */
  readonly onChange = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #take(item: TailOutputResponse['item']): void {
    if (item.case === undefined) return;
    // The task is over, or a later attempt has begun: this output is complete.
    if (item.case === 'task' || item.value.attempt > this.#attempt) {
      this.#stop();
      return this.#change({ isOver: true });
    }
    if (item.case === 'chunk') {
      const { stream, offset, content, at } = item.value;
      const name = stream === OutputStream.STDERR ? 'stderr' : 'stdout';
      const gap = Math.max(Number(offset) - this.index.endOf(name), 0);
      this.index.append(name, Number(offset), content, at === undefined ? 0 : timestampMs(at));
      this.#change({ failure: null, missingBytes: this.#next.missingBytes + gap });
    } else if (item.case === 'dropped') {
      this.#change({ droppedBytes: Number(item.value.bytes) });
    } else if (item.case === 'expired') {
      this.#change({ expiredBytes: Number(item.value.bytes) });
    }
  }

  #stop(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = null;
  }

  #change(change: Partial<FeedState>): void {
    this.#next = { ...this.#next, ...change, version: this.#next.version + 1 };
    if (this.#isShowing) return;
    this.#isShowing = true;
    setTimeout(() => {
      this.#isShowing = false;
      this.#state = this.#next;
      for (const listener of this.#listeners) listener();
    }, SHOW_INTERVAL_MS);
  }
}
