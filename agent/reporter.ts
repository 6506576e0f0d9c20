/**
 * What the supervisor has to be told next. Attempts says what has changed, the session takes message by message.
 *
 * Level, not edge: nothing is queued. What is to be told follows from the records, the output files and what has been told in this
 * session; at the next session it is derived anew from what is acknowledged. So memory is bounded: by the window of output that
 * is sent and not acknowledged, and by the number of attempts.
 */
import { create } from '@bufbuild/protobuf';
import {
  type Event,
  type Events,
  EventsSchema,
  type HeldAttempt,
} from '../proto/gen/muster/v1/agent_service_pb.ts';
import type { Clock, Timer } from '../src/process/clock.ts';
import {
  toAccepted,
  toEnded,
  toHeld,
  toLost,
  toOutput,
  toProgress,
  toRefused,
  toStarted,
} from './attempt-events.ts';
import {
  type AttemptKey,
  type AttemptProgress,
  type AttemptRecord,
  nameOf,
} from './attempt-record.ts';
import type { Journal } from './journal.ts';
import { type AttemptOutput, STREAM_NAMES } from './output.ts';

/** Output that is sent and not acknowledged; more is not read from disk. */
const WINDOW_BYTES = 4 * 2 ** 20;
/** One turn of an attempt, per stream. */
const PIECE_BYTES = 64 * 1024;
/** Output in one message. Small enough for a slow line to carry one well within the time after which silence counts as death. */
const MESSAGE_BYTES = 256 * 1024;
const MESSAGE_EVENTS = 1_000;
/** How long acknowledgements may wait to be written down. */
const SAVE_INTERVAL_MS = 200;

/** An attempt with what has been told of it in this session. */
interface Told {
  readonly record: AttemptRecord;
  readonly output: AttemptOutput;
  isAcceptTold: boolean;
  isStartTold: boolean;
  isEndTold: boolean;
  /** The progress that was told last. */
  progress: AttemptProgress | null;
  stdout: number;
  stderr: number;
  result: number;
}

interface Mark {
  readonly isStart: boolean;
  readonly stdout: number;
  readonly stderr: number;
  readonly result: number;
}

/** A message that is sent and not acknowledged. */
interface InFlight {
  readonly seq: number;
  readonly outputBytes: number;
  readonly marks: ReadonlyMap<Told, Mark>;
}

export interface ReporterOptions {
  readonly journal: Journal;
  readonly clock: Clock;
}

export class Reporter {
  /** Called whenever `next` may have something. */
  onReady: () => void = () => {};
  readonly #journal: Journal;
  readonly #clock: Clock;
  readonly #told = new Map<string, Told>();
  /** Attempts with something to tell, each in its turn. */
  readonly #ready = new Set<Told>();
  /** Attempts whose output waits for the window. */
  readonly #blocked = new Set<Told>();
  /** About attempts that are not held, and workers; the newest under each key counts. */
  readonly #notes = new Map<string, Event>();
  #inFlight: InFlight[] = [];
  #windowBytes = 0;
  #seq = 0;
  #isOpen = false;
  readonly #unsaved = new Set<AttemptRecord>();
  #saveTimer: Timer | null = null;

  constructor(options: ReporterOptions) {
    this.#journal = options.journal;
    this.#clock = options.clock;
  }

  /** Begins to report on a held attempt. */
  add(record: AttemptRecord, output: AttemptOutput): void {
    const told = { record, output, isAcceptTold: false } as Told;
    this.#told.set(nameOf(record), told);
    this.#rewind(told);
  }

  /** Ends reporting on an attempt. */
  remove(key: AttemptKey): void {
    const told = this.#told.get(nameOf(key));
    if (told === undefined) return;
    this.#told.delete(nameOf(key));
    this.#ready.delete(told);
    this.#blocked.delete(told);
    this.#unsaved.delete(told.record);
    told.output.close();
  }

  /** The record or the output has changed. */
  changed(key: AttemptKey): void {
    const told = this.#told.get(nameOf(key));
    if (told !== undefined) this.#markReady(told);
  }

  /** Tells all of an attempt again, acknowledged output excepted: the supervisor has asked. */
  repeat(key: AttemptKey): void {
    const told = this.#told.get(nameOf(key));
    if (told === undefined) return;
    Object.assign(told, { isAcceptTold: false, isStartTold: false, isEndTold: false });
    this.#markReady(told);
  }

  /** Answers for an attempt that is not held. Not repeated: the supervisor will ask again. */
  reportLost(key: AttemptKey, why: string): void {
    this.note(`answer ${nameOf(key)}`, toLost(key, why));
  }

  /** Answers for an attempt that was not taken on. Not repeated either. */
  reportRefused(key: AttemptKey, why: string): void {
    this.note(`answer ${nameOf(key)}`, toRefused(key, why, this.#clock.now()));
  }

  /** Tells an event that belongs to no record; an untold one under the same key is replaced. */
  note(key: string, event: Event): void {
    if (!this.#isOpen) return;
    this.#notes.set(key, event);
    this.onReady();
  }

  /** Returns what Hello lists: everything that is held. */
  held(): HeldAttempt[] {
    return [...this.#told.values()].map(({ record }) => toHeld(record));
  }

  /** A session is open: from here on, everything that is not acknowledged is told again, numbered from 1. */
  open(): void {
    this.#isOpen = true;
    this.#seq = 0;
    for (const told of this.#told.values()) this.#rewind(told);
    this.onReady();
  }

  /** The session is over. */
  close(): void {
    this.#isOpen = false;
    this.#inFlight = [];
    this.#windowBytes = 0;
    this.#ready.clear();
    this.#blocked.clear();
    this.#notes.clear();
  }

  /** Returns the next message, or null while there is nothing to tell or to send. */
  next(): Events | null {
    if (!this.#isOpen) return null;
    const events = [...this.#notes.values()];
    this.#notes.clear();
    const marks: InFlight['marks'] = new Map();
    let outputBytes = 0;
    while (events.length < MESSAGE_EVENTS && outputBytes < MESSAGE_BYTES) {
      const [told] = this.#ready;
      if (told === undefined) break;
      // To the end of the queue, if it has more.
      this.#ready.delete(told);
      outputBytes += this.#tell(told, events, WINDOW_BYTES - this.#windowBytes - outputBytes);
      const { isStartTold, stdout, stderr, result } = told;
      (marks as Map<Told, Mark>).set(told, { isStart: isStartTold, stdout, stderr, result });
    }
    if (events.length === 0) return null;
    this.#seq += 1;
    this.#windowBytes += outputBytes;
    this.#inFlight.push({ seq: this.#seq, outputBytes, marks });
    return create(EventsSchema, { seq: BigInt(this.#seq), events });
  }

  /** Everything up to this number is committed. */
  acknowledge(seq: number): void {
    while (this.#inFlight[0] !== undefined && this.#inFlight[0].seq <= seq) {
      const { outputBytes, marks } = this.#inFlight.shift() as InFlight;
      this.#windowBytes -= outputBytes;
      for (const [{ record, output }, { isStart, stdout, stderr, result }] of marks) {
        record.acked = {
          stdout: Math.max(record.acked.stdout, stdout),
          stderr: Math.max(record.acked.stderr, stderr),
          result: Math.max(record.acked.result, result),
        };
        output.discard(record.acked);
        record.isStartAcked ||= isStart;
        if (this.#told.has(nameOf(record))) this.#unsaved.add(record);
      }
    }
    for (const told of this.#blocked) this.#ready.add(told);
    this.#blocked.clear();
    this.#saveTimer ??= this.#clock.after(SAVE_INTERVAL_MS, () => this.save());
    if (this.#ready.size > 0) this.onReady();
  }

  /** Writes down what is acknowledged. */
  save(): void {
    this.#saveTimer?.cancel();
    this.#saveTimer = null;
    if (this.#unsaved.size === 0) return;
    try {
      this.#journal.saveAcked(this.#unsaved);
      this.#unsaved.clear();
    } catch {
      // A full disk: they stay unsaved for the next time, and are sent twice if there is none.
    }
  }

  /** Adds what one attempt has to tell now, one piece per stream, and returns its bytes of output. */
  #tell(told: Told, events: Event[], roomBytes: number): number {
    const { record, output } = told;
    if (!told.isAcceptTold) {
      told.isAcceptTold = true;
      if (record.phase === 'accepted' || record.phase === 'spawning')
        events.push(toAccepted(record));
    }
    if (!told.isStartTold && record.startedAt !== null) {
      told.isStartTold = true;
      events.push(toStarted(record));
    }
    if (record.progress !== undefined && record.progress !== told.progress) {
      told.progress = record.progress;
      if (record.end === null) events.push(toProgress(record, record.progress));
    }
    let bytes = 0;
    let isMore = false;
    for (const name of STREAM_NAMES) {
      const offset = told[name];
      const room = Math.min(PIECE_BYTES, roomBytes - bytes);
      const content = output.read(name, offset, room);
      if (content.length > 0) {
        events.push(toOutput(record, name, offset, content, this.#clock.now()));
        told[name] += content.length;
        bytes += content.length;
      }
      if (told[name] < output.sendableBytes(name)) isMore = true;
    }
    if (isMore) {
      (bytes < roomBytes ? this.#ready : this.#blocked).add(told);
    } else if (record.end !== null && !told.isEndTold) {
      told.isEndTold = true;
      events.push(toEnded(record, record.end));
    }
    // There may be thousands of ended attempts to tell of, and not as many open files.
    if (record.end !== null) output.close();
    return bytes;
  }

  /** Forgets what has been told and not acknowledged. */
  #rewind(told: Told): void {
    const { record } = told;
    // Hello says that it is held; only a new one is told.
    told.isAcceptTold = this.#isOpen ? told.isAcceptTold : true;
    told.isStartTold = record.isStartAcked;
    told.isEndTold = false;
    told.stdout = record.acked.stdout;
    told.stderr = record.acked.stderr;
    told.result = record.acked.result;
    told.progress = null;
    this.#markReady(told);
  }

  #markReady(told: Told): void {
    if (!this.#isOpen || this.#blocked.has(told)) return;
    this.#ready.add(told);
    this.onReady();
  }
}
