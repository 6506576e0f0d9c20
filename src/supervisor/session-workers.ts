/**
 * The workers of one session, and how many of its slots take work (I8).
 *
 * A slot counts no more from the moment on in which its stop is sent, whatever the agent has said before; one that finishes an
 * attempt first keeps that attempt, which then fills none of the others. Used by Session.
 */
import type { WorkerOperation, WorkerReport } from '../../db/workers.ts';

/** Slots whose worker is in one of these states take no work. */
const UNUSABLE: ReadonlySet<string> = new Set(['starting', 'backing_off', 'crashed', 'stopped']);

export class SessionWorkers {
  readonly #slots: number;
  readonly #reports = new Map<string, WorkerReport>();
  /** The last operation that was sent to each. */
  readonly #sent = new Map<string, { seq: number; operation: WorkerOperation }>();
  /** Slots that take no work, with the task that each of them still has. */
  readonly #unusable = new Map<string, string | null>();
  /** Tasks at work in slots that take no more of them. */
  leaving: readonly string[] = [];

  constructor(slots: number, reports: readonly WorkerReport[]) {
    this.#slots = slots;
    for (const report of reports) this.take(report);
  }

  /** Slots that take work. */
  get usable(): number {
    return Math.max(this.#slots - this.#unusable.size, 0);
  }

  /** The agent says where a worker stands. */
  take(report: WorkerReport): void {
    this.#reports.set(report.name, report);
    this.#count(report);
  }

  /** An operation is sent. Returns false if the agent has taken it on already, or a later one. */
  send(worker: string, operation: WorkerOperation, seq: number): boolean {
    const report = this.#reports.get(worker);
    if (report === undefined || report.operatedSeq >= seq) return false;
    this.#sent.set(worker, { seq, operation });
    this.#count(report);
    return true;
  }

  #count(report: WorkerReport): void {
    if (report.kind !== 'slot') return;
    const sent = this.#sent.get(report.name);
    const isStopUnderWay = sent?.operation === 'stop' && sent.seq > report.operatedSeq;
    const isUnusable = UNUSABLE.has(report.state) || report.asked !== null || isStopUnderWay;
    if (isUnusable) this.#unusable.set(report.name, report.taskId);
    else this.#unusable.delete(report.name);
    this.leaving = [...this.#unusable.values()].filter((taskId) => taskId !== null);
  }
}
