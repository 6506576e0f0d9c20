/**
 * Shows how far a task says it is, on standard error: one line that is drawn again on a terminal, elsewhere a line for each new
 * message.
 */
import type { Progress } from '../../proto/gen/muster/v1/task_pb.ts';
import { note, stderr } from './sink.ts';
import { harmless } from './table.ts';

/** Returns a progress as in `40 %  third of five`. */
export function progressText({ fraction, message }: Progress): string {
  const percent = `${Math.floor(fraction * 100)} %`;
  return message === '' ? percent : `${percent}  ${harmless(message)}`;
}

export class ProgressLine {
  #isDrawn = false;
  #message: string | null = null;

  async show(progress: Progress): Promise<void> {
    if (!stderr.isTTY) {
      if (progress.message === this.#message) return;
      this.#message = progress.message;
      await note(progressText(progress));
      return;
    }
    this.#isDrawn = true;
    const text = progressText(progress).slice(0, Math.max((stderr.columns || 80) - 1, 1));
    await stderr.write(`\r\u001b[K${text}`).catch(() => undefined);
  }

  /** Makes room for something else. */
  async erase(): Promise<void> {
    if (!this.#isDrawn) return;
    this.#isDrawn = false;
    await stderr.write('\r\u001b[K').catch(() => undefined);
  }
}
