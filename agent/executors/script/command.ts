/**
 * What to start for a ScriptAction: which program with which words, where, and in which environment. Used by the script executor.
 *
 * Everything that can be known to be missing is found here, before there is a process, and said in a sentence. The body of a script
 * is never among the words, where every user of the host could read it.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { homedir } from 'node:os';
import type { StartAttempt } from '../../../proto/gen/muster/v1/agent_service_pb.ts';
import { Interpreter, type ScriptAction } from '../../../proto/gen/muster/v1/task_pb.ts';
import { CannotStart } from './cannot-start.ts';
import { type Environment, findProgram } from './program.ts';
import type { HostUser } from './user.ts';

/** An interpreter by its program, and the words between it and the script's path. */
const INTERPRETERS: Readonly<Record<Interpreter, readonly [program: string, ...words: string[]]>> =
  {
    [Interpreter.UNSPECIFIED]: ['sh'],
    [Interpreter.SH]: ['sh'],
    [Interpreter.BASH]: ['bash'],
    [Interpreter.PYTHON3]: ['python3'],
    [Interpreter.NODE]: ['node'],
    // The folder of the script says nothing about the script: no deno.json above it counts.
    [Interpreter.DENO]: ['deno', 'run', '-A', '--no-config'],
  };

/** Blanks and what only a shell understands: hardly the name of a program. */
const SHELL_SYNTAX = /[\s;&|<>()$`'"\\*?[\]{}~=]/;
const SHELL_HINT =
  "; what stands after -- is a program and its arguments: for a line of shell write -- sh -c '…'";

/**
 * Returns the words that run the action: an absolute program first.
 *
 * @param bodyPath where the body of the script stands
 * @throws CannotStart if the program is missing
 */
export function composeWords(
  action: ScriptAction,
  bodyPath: string,
  environment: Environment,
  cwd: string,
  nodeId: string,
): string[] {
  const { program } = action;
  if (program.case === 'argv') {
    const [name = '', ...args] = program.value.words;
    const path = findProgram(name, environment, cwd);
    if (path === null) {
      const hint = SHELL_SYNTAX.test(name) ? SHELL_HINT : '';
      throw new CannotStart(`program ${name} is not installed on node ${nodeId}${hint}`);
    }
    return [path, ...args];
  }
  const [interpreter, ...words] = INTERPRETERS[action.interpreter] ?? ['sh'];
  const path = findProgram(interpreter, environment, cwd);
  if (path === null) {
    throw new CannotStart(`interpreter ${interpreter} is not installed on node ${nodeId}`);
  }
  return [path, ...words, bodyPath, ...action.args];
}

/** Returns what the script gets besides the environment of the agent: the user's own variables, its own, and who it is. */
export function composeEnvironment(
  start: StartAttempt,
  action: ScriptAction,
  user: HostUser | null,
  nodeId: string,
): Environment {
  const { taskId, attempt } = start;
  const own: Record<string, string> =
    user === null
      ? {}
      : { HOME: user.home, USER: user.name, LOGNAME: user.name, SHELL: user.shell };
  return {
    ...own,
    ...action.env,
    MUSTER_TASK_ID: taskId,
    MUSTER_ATTEMPT: String(attempt),
    MUSTER_NODE_ID: nodeId,
  };
}

/**
 * Returns the working directory: the one asked for, else the user's home, else /.
 *
 * @throws CannotStart if the one asked for is no folder or is closed to the agent
 */
export function findFolder(asked: string, user: HostUser | null, nodeId: string): string {
  if (asked === '') {
    const home = user?.home ?? homedir();
    return isFolder(home) ? home : '/';
  }
  if (!isFolder(asked)) throw new CannotStart(`folder ${asked} does not exist on node ${nodeId}`);
  try {
    accessSync(asked, constants.X_OK);
  } catch (cause) {
    throw new CannotStart(`folder ${asked} on node ${nodeId} is closed to the agent`, { cause });
  }
  return asked;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
