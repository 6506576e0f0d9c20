/**
 * Performs a command: loads its code, turns what it throws into one line and an exit code, and ends the process.
 *
 * Every client command goes through `perform`, every one that starts a service through `performService`. All output has been
 * written when the process ends.
 */
import { EXIT } from './exit.ts';
import { ClosedPipe, UsageFault } from './fault.ts';
import { note } from './sink.ts';

/** The exit codes that stand for a failure of Muster itself and for a wrong command line. */
export interface FailureCodes {
  readonly failure: number;
  readonly usage: number;
}

/** Those of every command but `run` and `task wait`, whose own codes belong to the remote command. */
export const ORDINARY: FailureCodes = { failure: EXIT.failure, usage: EXIT.usage };

/** Those of `run` and `task wait`. */
export const REMOTE: FailureCodes = { failure: EXIT.muster, usage: EXIT.muster };

/** Performs a client command, which returns its exit code. */
export async function perform(codes: FailureCodes, act: () => Promise<number>): Promise<void> {
  let exitCode: number;
  try {
    exitCode = await act();
  } catch (error) {
    exitCode = await report(error, codes);
  }
  // An idle connection would keep the process for a while.
  process.exit(exitCode);
}

/**
 * Performs a command that runs until a signal. It ends by itself when nothing is left to do, so that no write is cut off.
 */
export async function performService(act: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const { stopSignal } = await import('../process/signals.ts');
  try {
    await act(stopSignal());
    process.exit(EXIT.ok);
  } catch (error) {
    process.exit(await report(error, ORDINARY));
  }
}

async function report(error: unknown, codes: FailureCodes): Promise<number> {
  if (error instanceof ClosedPipe) return EXIT.closedPipe;
  const message = error instanceof Error ? error.message : String(error);
  const isDebug = (process.env['MUSTER_DEBUG'] ?? '') !== '';
  await note(isDebug && error instanceof Error ? stackOf(error) : message);
  return error instanceof UsageFault ? codes.usage : codes.failure;
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by: ${stackOf(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}
