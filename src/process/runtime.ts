/**
 * Which runtime this process is, and how to start another file of ours on the same one.
 *
 * Called by whoever starts one of our processes: `up`, the agent, tests. A child always runs on the runtime of its
 * parent, from any working directory, with nothing built.
 */
import { fileURLToPath } from 'node:url';

/** A program and its arguments, ready for `child_process.spawn`. */
export interface SelfCommand {
  readonly command: string;
  readonly args: string[];
}

/** Tells which runtime executes this process. */
export function runtimeName(): 'node' | 'deno' {
  return 'deno' in process.versions ? 'deno' : 'node';
}

/** Returns the version of the runtime that executes this process, for example `24.21.0`. */
export function runtimeVersion(): string {
  return process.versions[runtimeName()] ?? process.versions.node;
}

/**
 * Returns the command that runs a TypeScript file of ours with the runtime of this process.
 *
 * @param file an absolute path or a `file:` URL, for example `new URL('../main.ts', import.meta.url)`
 * @param args the arguments of the program
 */
export function selfCommand(file: string | URL, args: readonly string[] = []): SelfCommand {
  const isUrl = file instanceof URL || file.startsWith('file:');
  const path = isUrl ? fileURLToPath(file) : file;
  const flags =
    runtimeName() === 'deno'
      ? ['run', '-A', '--quiet', '--no-lock']
      : ['--disable-warning=ExperimentalWarning'];
  return { command: process.execPath, args: [...flags, path, ...args] };
}
