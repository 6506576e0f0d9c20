/**
 * Gives the disk back what the cap has cut off of output files, while their processes go on writing.
 *
 * A process writes its files itself, and only appends. What is behind the cut is never read, so holes are punched there: the sizes,
 * from which dropped bytes are counted, stay what they are (I5). There is no call for that in the runtimes; `fallocate` of
 * util-linux does it, one at a time for the whole agent. Called by FileOutput.
 */
import { spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import type { Clock } from '../src/process/clock.ts';
import type { Logger } from '../src/process/log.ts';

/** A file is trimmed each time it has grown by this much beyond its cut. */
export const TRIM_STEP_BYTES = 8 * 2 ** 20;

/** After a failure nothing is tried for this long. */
const RETRY_MS = 60_000;

interface Range {
  readonly from: number;
  readonly until: number;
}

export interface OutputTrimmerOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Default `fallocate`, from PATH. */
  readonly program?: string;
}

export class OutputTrimmer {
  readonly #options: OutputTrimmerOptions;
  /** By path, in their order; the newest range of each. */
  readonly #waiting = new Map<string, Range>();
  #isBusy = false;
  #hasWarned = false;
  /** By the monotonic clock. */
  #pausedUntil = 0;

  constructor(options: OutputTrimmerOptions) {
    this.#options = options;
  }

  /** Nothing is tried now: the last try has failed. */
  get isPaused(): boolean {
    return this.#options.clock.monotonic() < this.#pausedUntil;
  }

  /** Punches a hole into a file, soon. Where that cannot be done, the log says so once and the file stays as it is. */
  trim(path: string, from: number, until: number): void {
    if (this.isPaused) return;
    this.#waiting.set(path, { from, until });
    if (!this.#isBusy) void this.#work();
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    for (let [next] = this.#waiting; next !== undefined; [next] = this.#waiting) {
      const [path, range] = next;
      this.#waiting.delete(path);
      const why = await this.#punch(path, range);
      if (why !== null) this.#fail(why);
    }
    this.#isBusy = false;
  }

  /** Returns why it failed, or null. */
  async #punch(path: string, { from, until }: Range): Promise<string | null> {
    let file: number;
    try {
      // Opened here and handed on, so that nothing else can be put into its place.
      file = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch {
      // The attempt has been let go.
      return null;
    }
    const { program = 'fallocate' } = this.#options;
    const length = String(until - from);
    const args = ['--punch-hole', '--keep-size', '--offset', String(from), '--length', length];
    try {
      const child = spawn(program, [...args, '/dev/stdin'], { stdio: [file, 'ignore', 'pipe'] });
      let said = '';
      child.stderr?.on('data', (bytes: Buffer) => {
        said = (said + bytes.toString()).slice(0, 500);
      });
      return await new Promise<string | null>((resolve) => {
        child.once('error', (cause) => resolve(cause.message));
        child.once('close', (code) =>
          resolve(code === 0 ? null : said.trim() || `${program} ended with ${code}`),
        );
      });
    } catch (cause) {
      return String(cause);
    } finally {
      closeSync(file);
    }
  }

  #fail(why: string): void {
    const { clock, log } = this.#options;
    this.#waiting.clear();
    this.#pausedUntil = clock.monotonic() + RETRY_MS;
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    log.warn('output beyond the cap stays on disk until its attempt is over', { why });
  }
}
