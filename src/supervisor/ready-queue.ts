/**
 * The head of a queue whose whole stands in the database: the next tasks by priority, then age.
 *
 * Bounded: it keeps the first `capacity` ready tasks and remembers whether there may be more. The scheduler reads more when it
 * runs empty. Nothing is lost by dropping an entry here, since the row is the truth.
 */
import type { TaskRecord } from '../../db/records.ts';

/** Tasks kept in memory for one node. */
const DEFAULT_CAPACITY = 500;

export class ReadyQueue {
  readonly #capacity: number;
  /** In the order of dispatch, the next one last. */
  #records: TaskRecord[] = [];
  readonly #ids = new Set<string>();
  /** True when the database may hold ready tasks that are not here. */
  mayHaveMore = true;
  /** Set when a task was left to the database since the last `beginRefill`: the read may have come too early for it. */
  #hasLeft = false;

  constructor(capacity = DEFAULT_CAPACITY) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#records.length;
  }

  peek(): TaskRecord | undefined {
    return this.#records.at(-1);
  }

  take(): TaskRecord | undefined {
    const record = this.#records.pop();
    if (record !== undefined) this.#ids.delete(record.id);
    return record;
  }

  /** Inserts at its place. While there may be more in the database, what is not before the last entry stays there. */
  add(record: TaskRecord): void {
    if (this.#ids.has(record.id)) return;
    const place = this.#placeOf(record);
    if (place === 0 && (this.mayHaveMore || this.size >= this.#capacity)) {
      this.mayHaveMore = true;
      this.#hasLeft = true;
      return;
    }
    this.#insert(record, place);
    if (this.size > this.#capacity) {
      const dropped = this.#records.shift() as TaskRecord;
      this.#ids.delete(dropped.id);
      this.mayHaveMore = true;
    }
  }

  /** To be called before the read whose result goes to `refill`. */
  beginRefill(): void {
    this.#hasLeft = false;
  }

  /**
   * Adds what was read from the database.
   *
   * @param isAll the database held no more ready tasks than these
   */
  refill(records: readonly TaskRecord[], isAll: boolean): void {
    for (const record of records) {
      if (!this.#ids.has(record.id)) this.#insert(record, this.#placeOf(record));
    }
    this.mayHaveMore = !isAll || this.#hasLeft;
  }

  #insert(record: TaskRecord, place: number): void {
    this.#records.splice(place, 0, record);
    this.#ids.add(record.id);
  }

  #placeOf(record: TaskRecord): number {
    let low = 0;
    let high = this.#records.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareReady(this.#records[middle] as TaskRecord, record) > 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Negative when `a` is to be dispatched before `b`. */
export function compareReady(a: TaskRecord, b: TaskRecord): number {
  const first = a.snapshot.context;
  const second = b.snapshot.context;
  return (
    second.policy.priority - first.policy.priority ||
    (first.queuedAt ?? 0) - (second.queuedAt ?? 0) ||
    (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
  );
}
