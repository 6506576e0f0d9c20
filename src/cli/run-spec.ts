/**
 * Turns the flags and words of `muster run` into the spec of a task.
 *
 * What could not be sent, contradicts itself or is out of bounds is refused here; whether texts are allowed the server says.
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import type {
  ScriptActionSchema,
  TaskSpec,
  TaskSpecSchema,
} from '../../proto/gen/muster/v1/task_pb.ts';
import { Interpreter, OfflinePolicy, StartMode } from '../../proto/gen/muster/v1/task_pb.ts';
import { BOUNDS } from './bounds.ts';
import type { ClientFlags } from './client-flags.ts';
import { parseDuration } from './duration.ts';
import { enumValue } from './enums.ts';
import type { FanOutFlags } from './fan-out-flags.ts';
import { targetOf } from './fan-out-flags.ts';
import { UsageFault } from './fault.ts';
import { parseInteger, parsePairs } from './pairs.ts';
import { readSource } from './script-source.ts';
import { interpreterOf, readShebang } from './shebang.ts';
import { note } from './sink.ts';
import { parseTime } from './time.ts';

/** The flags of every command that creates a task and follows it. */
export interface TaskFlags extends ClientFlags, FanOutFlags {
  readonly dryRun?: boolean;
  readonly name?: string;
  readonly timeout?: string;
  readonly maxAttempts?: string;
  readonly priority?: string;
  readonly offline?: string;
  readonly label?: string[];
  readonly startAt?: string;
  readonly detach?: boolean;
  readonly hold?: boolean;
}

/** The flags of `muster run`. */
export interface RunFlags extends TaskFlags {
  readonly env?: string[];
  readonly cwd?: string;
  readonly user?: string;
  readonly shell?: string;
  readonly stdin?: string;
  readonly file?: string;
}

type SpecInit = MessageInitShape<typeof TaskSpecSchema>;
/** Not a finished message, which would want an action that is one, too. */
type PlainSpec = Exclude<SpecInit, TaskSpec>;
type ScriptInit = MessageInitShape<typeof ScriptActionSchema>;

/**
 * Returns the spec that the flags ask for; reads the script and standard input where they say so.
 *
 * @param words the program and its arguments, or `-` and the arguments of a script, or with --file those arguments
 * @throws UsageFault when the flags contradict each other or cannot be read
 */
export async function buildSpec(
  flags: RunFlags,
  words: readonly string[],
  nowMs: number,
): Promise<SpecInit> {
  const spec = taskSpec(flags, nowMs);
  return { ...spec, action: { case: 'script', value: await buildScript(flags, words) } };
}

/**
 * Returns where, when and under which policy the flags want a task; what it does is to be added.
 *
 * @throws UsageFault when the flags contradict each other or cannot be read
 */
export function taskSpec(flags: TaskFlags, nowMs: number): Omit<PlainSpec, 'action'> {
  if (flags.hold === true && flags.startAt !== undefined) {
    throw new UsageFault(
      '--hold and --start-at exclude each other: a held task waits for `muster task execute`',
    );
  }
  const { timeout, maxAttempts, priority } = flags;
  const optional = {
    ...(timeout === undefined
      ? {}
      : { timeout: durationFromMs(parseDuration(timeout, '--timeout', BOUNDS.timeout)) }),
    ...(maxAttempts === undefined
      ? {}
      : { maxAttempts: parseInteger(maxAttempts, '--max-attempts', BOUNDS.maxAttempts) }),
    ...(priority === undefined
      ? {}
      : { priority: parseInteger(priority, '--priority', BOUNDS.priority) }),
    ...(flags.offline === undefined
      ? {}
      : { offline: enumValue(OfflinePolicy, 'OFFLINE_POLICY_', flags.offline, '--offline') }),
  };
  const startAt =
    flags.startAt === undefined
      ? undefined
      : parseTime(flags.startAt, '--start-at', 'future', nowMs);
  const labels = parsePairs(flags.label, '--label');
  return {
    name: flags.name ?? '',
    ...targetOf(flags),
    policy: optional,
    labels,
    start: flags.hold === true ? StartMode.MANUAL : StartMode.IMMEDIATE,
    ...(startAt === undefined ? {} : { startAt: timestampFromMs(startAt) }),
  };
}

/**
 * Returns what the flags and words want to run.
 *
 * @throws UsageFault when they contradict each other or cannot be read
 */
export async function buildScript(flags: RunFlags, words: readonly string[]): Promise<ScriptInit> {
  const file = flags.file ?? (words[0] === '-' ? '-' : undefined);
  if (file === '-' && flags.stdin === '-') {
    throw new UsageFault('the script and --stdin cannot both come from standard input');
  }
  const env = parsePairs(flags.env, '--env');
  const program =
    file === undefined
      ? argvProgram(flags, words)
      : await scriptProgram(flags, file, flags.file === undefined ? words.slice(1) : words);
  const stdin =
    flags.stdin === undefined ? '' : await readSource(flags.stdin, 'the standard input');
  return { ...program, env, cwd: flags.cwd ?? '', user: flags.user ?? '', stdin };
}

function argvProgram(flags: RunFlags, words: readonly string[]): ScriptInit {
  if (words.length === 0) {
    throw new UsageFault(
      'nothing to run: give a command after --, as in: muster run -- uname -a, or a script with -f FILE',
    );
  }
  if (flags.shell !== undefined) {
    throw new UsageFault(
      `--shell is for scripts (-f FILE or -); to run a command line in a shell: muster run -- ${flags.shell} -c 'COMMAND'`,
    );
  }
  return { program: { case: 'argv', value: { words: [...words] } } };
}

async function scriptProgram(
  flags: RunFlags,
  file: string,
  args: readonly string[],
): Promise<ScriptInit> {
  const asked = flags.shell === undefined ? undefined : interpreterOf(flags.shell);
  const body = await readSource(file, 'the script');
  const shebang = asked === undefined ? readShebang(body) : undefined;
  if (shebang !== undefined && shebang.options.length > 0) {
    await note(
      `the options in the first line of the script (${shebang.options.join(' ')}) are not used; set them inside, as in: set -e`,
    );
  }
  const interpreter = asked ?? shebang?.interpreter ?? Interpreter.SH;
  return { program: { case: 'body', value: body }, interpreter, args: [...args] };
}
