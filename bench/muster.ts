/**
 * A whole Muster for a benchmark: database, supervisor and agents as processes of their own, started as users start them.
 *
 * Everything is in a temporary folder, ends with `stop`, and by itself when this process dies: each child has a pipe as its
 * standard input and ends with it. Processes of attempts are short here.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, createClient, type Interceptor } from '@connectrpc/connect';
import { createConnectTransport, Http2SessionManager } from '@connectrpc/connect-node';
import { NodeService } from '../proto/gen/muster/v1/node_service_pb.ts';
import { NodeState } from '../proto/gen/muster/v1/node_pb.ts';
import { TaskService } from '../proto/gen/muster/v1/task_service_pb.ts';
import { selfCommand } from '../src/process/runtime.ts';
import { eventually } from '../test/eventually.ts';
import { type BenchDatabase, startDatabase } from './database.ts';

const CLI = new URL('../src/cli/main.ts', import.meta.url);
const END_GRACE_MS = 10_000;

export interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly ended: Promise<void>;
}

export class BenchMuster {
  readonly home: string;
  readonly database: BenchDatabase;
  #url = '';
  #supervisor: Running | null = null;
  #tasks: Client<typeof TaskService> | null = null;
  #nodes: Client<typeof NodeService> | null = null;
  #connection: Http2SessionManager | null = null;
  readonly #others: Running[] = [];

  private constructor(home: string, database: BenchDatabase) {
    this.home = home;
    this.database = database;
  }

  /** Starts the database and the supervisor. */
  static async start(): Promise<BenchMuster> {
    const muster = new BenchMuster(
      await mkdtemp(join(tmpdir(), 'muster-bench-home-')),
      await startDatabase(),
    );
    try {
      await muster.#startSupervisor();
      return muster;
    } catch (error) {
      await muster.stop();
      throw error;
    }
  }

  get url(): string {
    return this.#url;
  }

  get supervisorPid(): number {
    return this.#supervisor?.pid ?? 0;
  }

  /** Clients with the user's token, on one HTTP/2 connection. */
  get tasks(): Client<typeof TaskService> {
    return present(this.#tasks);
  }

  async startAgent(nodeId: string, ...flags: string[]): Promise<Running> {
    const data = join(this.home, nodeId);
    await mkdir(data, { recursive: true, mode: 0o700 });
    const args = ['agent', '--server', this.#url, '--node', nodeId, '--data', data, ...flags];
    const running = await this.run(nodeId, CLI, args);
    await this.online(1);
    return running;
  }

  /** Waits until this many nodes are connected. */
  async online(count: number): Promise<void> {
    const states = [NodeState.ONLINE];
    await eventually(
      async () => {
        let seen = 0;
        let pageToken = '';
        do {
          const page = await present(this.#nodes).listNodes({ states, pageSize: 200, pageToken });
          seen += page.nodes.length;
          pageToken = page.nextPageToken;
        } while (pageToken !== '');
        return seen >= count;
      },
      `${count} nodes are online`,
      60_000,
    );
  }

  /** Starts a program of ours; it ends with this process. What it says on standard output goes to `onLine`, else to its log. */
  async run(
    name: string,
    file: URL,
    args: readonly string[],
    onLine?: (line: string) => void,
  ): Promise<Running> {
    const { command, args: argv } = selfCommand(file, args);
    const log = openSync(join(this.home, `${name}.log`), 'a');
    const env = {
      ...process.env,
      MUSTER_HOME: this.home,
      MUSTER_DATABASE_URL: this.database.url,
      MUSTER_PARENT: 'stdin',
      MUSTER_LOG_LEVEL: 'warn',
    };
    const stdout = onLine === undefined ? log : 'pipe';
    const child = spawn(command, argv, { stdio: ['pipe', stdout, log], env });
    closeSync(log);
    if (onLine !== undefined) readLines(child, onLine);
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    const running = { child, pid: child.pid ?? 0, ended };
    this.#others.push(running);
    return running;
  }

  async stop(): Promise<void> {
    this.#connection?.abort();
    for (const running of this.#others.reverse()) await end(running);
    await this.database.stop();
    await rm(this.home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }

  async #startSupervisor(): Promise<void> {
    this.#supervisor = await this.run('supervisor', CLI, ['supervisor', '--port', '0']);
    await eventually(async () => {
      this.#url = (await readFile(join(this.home, 'address'), 'utf8')).trim();
      return (await fetch(`${this.#url}/readyz`)).ok;
    }, 'the supervisor is ready');
    const token = (await readFile(join(this.home, 'token'), 'utf8')).trim();
    const authorize: Interceptor = (next) => (request) => {
      request.header.set('Authorization', `Bearer ${token}`);
      return next(request);
    };
    this.#connection = new Http2SessionManager(this.#url);
    const transport = createConnectTransport({
      baseUrl: this.#url,
      httpVersion: '2',
      sessionManager: this.#connection,
      interceptors: [authorize],
    });
    this.#tasks = createClient(TaskService, transport);
    this.#nodes = createClient(NodeService, transport);
  }
}

function present<T>(value: T | null): T {
  if (value === null) throw new Error('Muster is not running');
  return value;
}

function readLines(child: ChildProcess, onLine: (line: string) => void): void {
  let rest = '';
  child.stdout?.on('data', (bytes: Buffer) => {
    const lines = (rest + bytes.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
}

/** Ends a child in good order, and the hard way when that takes too long. */
async function end({ child, ended }: Running): Promise<void> {
  child.stdin?.end();
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), END_GRACE_MS);
  await ended;
  clearTimeout(timer);
}
