/**
 * Why a process cannot start because of what it was given or found: a setting, a file, a port.
 *
 * The message is for the person who started it, one sentence with what would do; no stack belongs to it.
 */

/** A failed start, in words for people. */
export class StartError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'StartError';
  }
}
