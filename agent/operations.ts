/**
 * What somebody has asked of the workers of this agent last, kept in a small file of the data folder.
 *
 * So a worker that was stopped by hand stays stopped when its agent is started again, and an operation that comes twice works once:
 * each has a number that rises, given by the supervisors for each worker. Used by Workers.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Logger } from '../src/process/log.ts';
import { messageOf, type OperationName } from './worker-actor.ts';

interface LastOperation {
  readonly seq: number;
  readonly isStopped: boolean;
}

export class Operations {
  readonly #path: string;
  #last: ReadonlyMap<string, LastOperation>;

  /** @param path of the file, which need not be there */
  constructor(path: string, log: Logger) {
    this.#path = path;
    this.#last = new Map(Object.entries(read(path, log)));
  }

  /** The number of the last operation of a worker; 0 for none. */
  seqOf(worker: string): number {
    return this.#last.get(worker)?.seq ?? 0;
  }

  /** Tells whether the last operation of a worker was a stop. */
  isStopped(worker: string): boolean {
    return this.#last.get(worker)?.isStopped ?? false;
  }

  /**
   * Forgets what was asked of workers that are not there any more; one of the same name is another one.
   *
   * @throws the system's error if it cannot be written
   */
  retain(workers: Iterable<string>): void {
    const known = new Set(workers);
    const kept = new Map([...this.#last].filter(([name]) => known.has(name)));
    if (kept.size < this.#last.size) this.#save(kept);
  }

  /**
   * Writes an operation down. Returns false if it is not newer than what is known: it has been carried out, or overtaken.
   *
   * @throws the system's error if it cannot be written; nothing has changed then
   */
  accept(worker: string, operation: OperationName, seq: number): boolean {
    if (seq <= this.seqOf(worker)) return false;
    this.#save(new Map(this.#last).set(worker, { seq, isStopped: operation === 'stop' }));
    return true;
  }

  #save(next: ReadonlyMap<string, LastOperation>): void {
    const draft = `${this.#path}.new`;
    writeFileSync(draft, JSON.stringify(Object.fromEntries(next)), { mode: 0o600 });
    renameSync(draft, this.#path);
    this.#last = next;
  }
}

/** A file that cannot be read counts as none: the supervisor sends again what it does not hear of. */
function read(path: string, log: Logger): Record<string, LastOperation> {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Record<string, LastOperation>;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') {
      log.warn('the operations of workers cannot be read', { path, why: messageOf(cause) });
    }
    return {};
  }
}
