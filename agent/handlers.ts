/**
 * What a module of handlers is written against: `muster agent --handlers ./handlers.ts`. Types only.
 *
 * Every function that the module exports is a handler, called by its name in a worker thread of the agent, one call at a time
 * per thread. It gets the input of the task and a context, and what it returns is the result of the task.
 */

/** A function that tasks can call. Input and output are JSON; a handler that throws fails its task with the message. */
export type Handler<Input = unknown, Output = unknown> = (
  input: Input,
  context: HandlerContext,
) => Output | Promise<Output>;

/** What a handler is given with its input. */
export interface HandlerContext {
  readonly taskId: string;
  /** From 1; a retry is a new attempt. */
  readonly attempt: number;
  /** Fires when the task is cancelled or its time is over. Whoever goes on after the stop grace is terminated with its thread. */
  readonly signal: AbortSignal;
  /** Writes a line to the standard output of the task. console.log does the same, and console.error writes to standard error. */
  readonly log: (text: string) => void;
  /**
   * Tells those who watch how far the call is. Of many calls within a tenth of a second the last one counts.
   *
   * @param fraction from 0 to 1
   * @param message at most 500 bytes; the rest is cut off
   * @throws TypeError if the fraction is no number
   */
  readonly progress: (fraction: number, message?: string) => void;
}
