/**
 * The first task of a fresh Muster: one greeting from each local node, through the same command line that users type.
 *
 * Called by `up` once the supervisor is ready. On a data folder that has seen tasks before it only says what it found.
 */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { selfCommand } from './process/runtime.ts';

const NODES_WITHIN_MS = 30_000;
const GREETING = 'echo "Hello from $MUSTER_NODE_ID on $(uname -n), $(uname -s) $(uname -m)"';

export class FirstTask {
  readonly #cli: URL;
  readonly #home: string;
  readonly #url: string;
  readonly #say: (line: string) => void;

  constructor(cli: URL, home: string, url: string, say: (line: string) => void) {
    this.#cli = cli;
    this.#home = home;
    this.#url = url;
    this.#say = say;
  }

  async run(agents: number, signal: AbortSignal): Promise<void> {
    const { total } = await this.#call<{ total: string }>('TaskService/GetStatistics', {});
    if (Number(total) > 0) {
      this.#say(`Found ${total} ${total === '1' ? 'task' : 'tasks'} from before.`);
      return;
    }
    const nodeIds = Array.from({ length: agents }, (_, index) => `local-${index + 1}`);
    if (!(await this.#areOnline(nodeIds, signal))) return;
    await Promise.all(nodeIds.map((nodeId) => this.#greet(nodeId)));
  }

  async #areOnline(nodeIds: readonly string[], signal: AbortSignal): Promise<boolean> {
    const deadline = performance.now() + NODES_WITHIN_MS;
    while (performance.now() < deadline && !signal.aborted) {
      const { nodes } = await this.#call<{ nodes?: { id: string }[] }>('NodeService/ListNodes', {
        states: ['NODE_STATE_ONLINE'],
        pageSize: 200,
      });
      const online = new Set(nodes?.map((node) => node.id));
      if (nodeIds.every((nodeId) => online.has(nodeId))) return true;
      await wait(50);
    }
    if (!signal.aborted)
      this.#say(`The local agents are not connected yet; see ${this.#home}/local-1.log`);
    return false;
  }

  #greet(nodeId: string): Promise<void> {
    const args = ['run', '--node', nodeId, '--name', 'greeting', '--', 'sh', '-c', GREETING];
    const { command, args: argv } = selfCommand(this.#cli, args);
    return new Promise((resolve) => {
      const child = spawn(command, argv, {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, MUSTER_HOME: this.#home, MUSTER_SERVER: this.#url },
      });
      let output = '';
      const collect = (bytes: Buffer) => void (output += bytes.toString());
      child.stdout.on('data', collect);
      child.stderr.on('data', collect);
      child.once('close', () => {
        for (const line of output.trimEnd().split('\n')) this.#say(`  ${line}`);
        resolve();
      });
    });
  }

  /** One call of the API as plain JSON over HTTP. */
  async #call<Response>(method: string, body: unknown): Promise<Response> {
    const token = (await readFile(join(this.#home, 'token'), 'utf8')).trim();
    const response = await fetch(`${this.#url}/muster.v1.${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as Response & { message?: string };
    if (!response.ok) throw new Error(`${method}: ${answer.message ?? response.status}`);
    return answer;
  }
}
