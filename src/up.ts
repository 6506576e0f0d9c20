/**
 * `muster up`: a whole Muster on this machine, from one command.
 *
 *   up ──┬── PostgreSQL        embedded, unless MUSTER_DATABASE_URL names one
 *        ├── supervisor        a process of its own, supervisor.pid and supervisor.log in the data folder
 *        └── local-1 … local-N one agent process each
 *
 * It owns the data folder, keeps its processes alive with backoff, and ends them in order: agents, supervisor, database. The
 * processes notice when it dies itself. It prints what a first-time user needs, and nothing else; logs go to files.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PostgresServerError } from '../db/server/error.ts';
import { startPostgresServer } from '../db/server/server.ts';
import type { PostgresServer } from '../db/server/server.ts';
import { FirstTask } from './first-task.ts';
import { checkPortIsFree, waitUntilReady } from './process/await-port.ts';
import { systemClock } from './process/clock.ts';
import { FolderClaimError, claimFolder } from './process/folder-claim.ts';
import { KeptProcess } from './process/kept-process.ts';
import { selfCommand } from './process/runtime.ts';

export interface UpFlags {
  /** Local agents, 0 to 64. Default 3. */
  readonly agents: number;
  /** Default 7070. */
  readonly port: number;
  /** The data folder. */
  readonly home: string;
  /** A module with handlers for the agents; null for none. */
  readonly handlers: string | null;
  /** How `muster` is called so that it finds this data folder. */
  readonly muster: string;
}

/** A start that failed for a reason the user can mend: one sentence. */
export class UpError extends Error {}

const CLI = new URL('./cli/main.ts', import.meta.url);
const USUAL_PORT = 7070;
const READY_WITHIN_MS = 60_000;
const AGENT_GRACE_MS = 5_000;
const SUPERVISOR_GRACE_MS = 15_000;

/**
 * Runs until `signal` fires. Resolves when everything is down again.
 *
 * @throws UpError with one sentence for the user
 */
export async function runUp(
  flags: UpFlags,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<void> {
  const startedAt = systemClock.monotonic();
  if (flags.handlers !== null && !existsSync(flags.handlers)) {
    throw new UpError(`There is no handlers module ${resolve(flags.handlers)}`);
  }
  const home = resolve(flags.home);
  // The embedded server of root runs as another user, who must be able to pass through; secrets have modes of their own.
  const mode = process.getuid?.() === 0 ? 0o711 : 0o700;
  const claim = await claimFolder(home, 'up', { mode }).catch(inWords);
  const url = `http://127.0.0.1:${flags.port}`;
  const cluster = new Cluster(home, flags, env, url, say);
  try {
    await cluster.start(signal);
    const seconds = ((systemClock.monotonic() - startedAt) / 1000).toFixed(1);
    if (!signal.aborted) {
      say(`Muster is up after ${seconds} s: ${url}`);
      await new FirstTask(CLI, home, url, say).run(flags.agents, signal);
      say(closingWords(home, flags));
      await new Promise<void>((resolveStop) => {
        if (signal.aborted) resolveStop();
        signal.addEventListener('abort', () => resolveStop(), { once: true });
      });
    }
    say('Stopping: agents, supervisor, database…');
  } finally {
    await cluster.stop();
    await claim.release();
  }
  say(`Muster is down. Your tasks are kept; start it again with: ${startingWords(flags)}`);
}

/** The processes below `up`. */
class Cluster {
  readonly #home: string;
  readonly #flags: UpFlags;
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #url: string;
  readonly #say: (line: string) => void;
  #database: PostgresServer | null = null;
  #supervisor: KeptProcess | null = null;
  #agents: KeptProcess[] = [];
  #isStopping = false;

  constructor(
    home: string,
    flags: UpFlags,
    env: Readonly<Record<string, string | undefined>>,
    url: string,
    say: (line: string) => void,
  ) {
    this.#home = home;
    this.#flags = flags;
    this.#env = env;
    this.#url = url;
    this.#say = say;
  }

  async start(signal: AbortSignal): Promise<void> {
    await checkPortIsFree(this.#flags.port).catch(inWords);
    const databaseUrl = this.#env['MUSTER_DATABASE_URL'] ?? (await this.#startDatabase());
    await this.#startSupervisor(databaseUrl, signal);
    for (let number = 1; number <= this.#flags.agents && !signal.aborted; number += 1) {
      await this.#startAgent(`local-${number}`);
    }
  }

  /** In the reverse order of the start; each step is bounded. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#agents.map((agent) => agent.stop(AGENT_GRACE_MS)));
    await this.#supervisor?.stop(SUPERVISOR_GRACE_MS);
    await this.#database?.stop('fast');
  }

  async #startDatabase(): Promise<string> {
    const folder = join(this.#home, 'postgres');
    const server = await startPostgresServer({ folder, log: this.#say }).catch(inWords);
    this.#database = server;
    void server.exited.then(() => this.#databaseDied(server));
    return server.url;
  }

  async #databaseDied(server: PostgresServer): Promise<void> {
    if (this.#isStopping || this.#database !== server) return;
    this.#say('PostgreSQL has died; starting it again');
    try {
      const url = await this.#startDatabase();
      if (url !== server.url) await this.#moveSupervisor(url);
    } catch (error) {
      this.#say(`${(error as Error).message}; trying again in 5 s`);
      systemClock.after(5_000, () => void this.#databaseDied(server));
    }
  }

  /** The database came back under another address. */
  async #moveSupervisor(databaseUrl: string): Promise<void> {
    await this.#supervisor?.stop(SUPERVISOR_GRACE_MS);
    this.#supervisor = this.#keepSupervisor(databaseUrl);
    await this.#supervisor.start();
  }

  #keepSupervisor(databaseUrl: string): KeptProcess {
    return this.#keep('supervisor', ['supervisor', '--port', String(this.#flags.port)], {
      MUSTER_DATABASE_URL: databaseUrl,
    });
  }

  async #startSupervisor(databaseUrl: string, signal: AbortSignal): Promise<void> {
    const supervisor = this.#keepSupervisor(databaseUrl);
    this.#supervisor = supervisor;
    await supervisor.start();
    const isReady = await waitUntilReady(
      `${this.#url}/readyz`,
      READY_WITHIN_MS,
      // One death may be an unlucky moment; a second one is not.
      () => signal.aborted || supervisor.deaths > 1,
    );
    if (isReady || signal.aborted) return;
    throw new UpError(
      `The supervisor did not start; the last words of ${supervisor.logFile}:\n${supervisor.lastWords(5)}`,
    );
  }

  async #startAgent(nodeId: string): Promise<void> {
    const data = join(this.#home, nodeId);
    const { handlers } = this.#flags;
    const more = handlers === null ? [] : ['--handlers', resolve(handlers)];
    const args = ['agent', '--server', this.#url, '--node', nodeId, '--data', data, ...more];
    const agent = this.#keep(nodeId, args, {
      MUSTER_AGENT_TOKEN_FILE:
        this.#env['MUSTER_AGENT_TOKEN_FILE'] ?? join(this.#home, 'agent.token'),
    });
    this.#agents.push(agent);
    await agent.start();
  }

  #keep(name: string, args: string[], env: Record<string, string>): KeptProcess {
    return new KeptProcess({
      name,
      folder: this.#home,
      command: selfCommand(CLI, args),
      env: { ...this.#env, ...env, MUSTER_HOME: this.#home, MUSTER_PARENT: 'stdin' },
      onDeath: ({ pid, reason, restartInMs }) => {
        const seconds = (restartInMs / 1000).toFixed(1);
        this.#say(`${name} (pid ${pid}) has died (${reason}); starting it again in ${seconds} s`);
      },
    });
  }
}

function inWords(error: unknown): never {
  if (error instanceof FolderClaimError || error instanceof PostgresServerError) {
    throw new UpError(error.message, { cause: error });
  }
  const code = (error as NodeJS.ErrnoException).code;
  if (code !== undefined) throw new UpError((error as Error).message, { cause: error });
  throw error;
}

function startingWords({ muster, port }: UpFlags): string {
  return port === USUAL_PORT ? `${muster} up` : `${muster} up --port ${port}`;
}

function closingWords(home: string, flags: UpFlags): string {
  const { muster } = flags;
  const node = flags.agents > 0 ? '--node local-1 ' : '';
  return `
  address   http://127.0.0.1:${flags.port}
  token     ${join(home, 'token')}
  logs      ${join(home, 'supervisor.log')}, local-1.log …

Try next:
  ${muster} run ${node}-- uname -a
  ${muster} task list
  ${muster} node list

Ctrl-C stops everything.`;
}
