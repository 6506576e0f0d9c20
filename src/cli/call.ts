/**
 * `muster call`: calls a handler as a task. Its result goes to standard output; its log and its progress to standard error.
 */
import { CliFault, UsageFault } from './fault.ts';
import { outputForm } from './output.ts';
import { runSpec } from './run.ts';
import { type TaskFlags, taskSpec } from './run-spec.ts';
import { readSource } from './script-source.ts';
import { selectionOf } from './selection-flags.ts';

/** The flags of `muster call`. */
export interface CallFlags extends TaskFlags {
  readonly input?: string;
}

/** Creates the task and follows it; returns 0 when the handler has returned. */
export async function callHandler(handler: string, flags: CallFlags): Promise<number> {
  outputForm(flags.output);
  if (flags.node === undefined && flags.any !== true && selectionOf(flags) === null) {
    throw new UsageFault(
      'say where: --node or --any for one host, or -n, -l, -g or --all for many',
    );
  }
  const value = { handler, inputJson: await readInput(flags.input) };
  const spec = { ...taskSpec(flags, Date.now()), action: { case: 'handler' as const, value } };
  return await runSpec(spec, flags, 'result');
}

/** Returns the input as JSON, without the blanks around it; empty for none. */
async function readInput(given: string | undefined): Promise<string> {
  if (given === undefined) return '';
  const file = given === '-' ? '-' : given.startsWith('@') ? given.slice(1) : null;
  const text = (file === null ? given : await readSource(file, 'the input')).trim();
  try {
    JSON.parse(text);
    return text;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    if (file === null) throw new UsageFault(`--input: it is no JSON: ${why}`);
    throw new CliFault(`cannot send the input: ${given} is no JSON: ${why}`);
  }
}
