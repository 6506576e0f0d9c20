/**
 * Finds the interpreter of a script: the one that was asked for, else the one its first line names, else sh.
 *
 * Pure. A first line that names something Muster has no interpreter for is refused: a Perl script must not be read by sh.
 */
import { Interpreter } from '../../proto/gen/muster/v1/task_pb.ts';
import { UsageFault } from './fault.ts';

const INTERPRETERS: ReadonlyMap<string, Interpreter> = new Map([
  ['sh', Interpreter.SH],
  ['bash', Interpreter.BASH],
  ['python3', Interpreter.PYTHON3],
  ['node', Interpreter.NODE],
  ['deno', Interpreter.DENO],
]);

const SAME: ReadonlyMap<string, string> = new Map([
  ['dash', 'sh'],
  ['ash', 'sh'],
  ['python', 'python3'],
  ['nodejs', 'node'],
]);

/** The names that `--shell` takes. */
export const SHELLS: readonly string[] = [...INTERPRETERS.keys()];

/** Returns the interpreter of a name. @throws UsageFault for an unknown one */
export function interpreterOf(name: string): Interpreter {
  const interpreter = INTERPRETERS.get(name);
  if (interpreter === undefined) {
    throw new UsageFault(`--shell: '${name}' is no interpreter; there are ${SHELLS.join(', ')}`);
  }
  return interpreter;
}

/** What the first line of a script says. */
export interface Shebang {
  readonly interpreter: Interpreter;
  /** Options on that line, for example `-e`; they are not handed over. */
  readonly options: readonly string[];
}

/**
 * Reads the `#!` line of a script, also through env; undefined without such a line.
 *
 * @throws UsageFault when it names something else than `SHELLS`
 */
export function readShebang(body: string): Shebang | undefined {
  const words = /^#!\s*([^\r\n]*)/.exec(body)?.[1]?.trim().split(/\s+/) ?? [];
  let program = words.shift();
  if (program === undefined || program === '') return undefined;
  if (baseName(program) === 'env') {
    // Past the options of env and the variables it sets.
    while (words[0] !== undefined && /^-|=/.test(words[0])) words.shift();
    program = words.shift() ?? '';
  }
  const name = baseName(program).replace(/^python3\.\d+$/, 'python3');
  const interpreter = INTERPRETERS.get(SAME.get(name) ?? name);
  if (interpreter === undefined) {
    throw new UsageFault(
      `the first line of the script names ${name === '' ? 'no program' : `'${name}'`}, and Muster runs ${SHELLS.join(', ')}; choose one with --shell, or run the program itself: -- ${name || 'PROGRAM'} FILE`,
    );
  }
  return { interpreter, options: words.filter((word) => !isUsual(name, word)) };
}

/** A Deno script has to say `run -A` there; that is how it is run anyway. */
function isUsual(name: string, word: string): boolean {
  return name === 'deno' && ['run', '-A', '--allow-all'].includes(word);
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
