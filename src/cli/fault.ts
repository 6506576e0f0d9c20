/**
 * What goes wrong on the client's side, and how it is told apart.
 *
 * Thrown anywhere in src/cli and shown by perform.ts as one line. A fault is a sentence for people: what could not be
 * done, what is the case, what would do.
 */

/** A failure that the user can understand, with the sentence that says so. */
export class CliFault extends Error {
  override readonly name: string = 'CliFault';
}

/** The command line itself is wrong: a bad flag, a bad value, something missing. */
export class UsageFault extends CliFault {
  override readonly name = 'UsageFault';
}

/** Whoever read our output is gone. There is nobody left to tell. */
export class ClosedPipe extends Error {
  override readonly name = 'ClosedPipe';
}
