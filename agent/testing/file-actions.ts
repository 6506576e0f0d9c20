/**
 * File actions for tests: real workers on real files, which call a real server with a stub behind it.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, type MessageInitShape, toJson } from '@bufbuild/protobuf';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { StartAttemptSchema } from '../../proto/gen/muster/v1/agent_service_pb.ts';
import type { FileActionSchema, PutFileSchema } from '../../proto/gen/muster/v1/file_action_pb.ts';
import { TaskSpecSchema } from '../../proto/gen/muster/v1/task_pb.ts';
import { startTestServer, type TestServer } from '../../src/http/testing/test-server.ts';
import { TOKENS } from '../../src/http/testing/transports.ts';
import { systemClock } from '../../src/process/clock.ts';
import { makeNodeToken } from '../../src/rpc/auth.ts';
import { StubSupervisor } from '../../src/rpc/testing/stub-supervisor.ts';
import type { ProcessGroup, StartResult } from '../executors/executor.ts';
import { FileExecutor } from '../executors/file/executor.ts';
import { ScriptExecutor } from '../executors/script/executor.ts';
import { keyOf, startOf } from './starts.ts';

type Action = MessageInitShape<typeof FileActionSchema>;

/** How a worker ended. */
interface Outcome {
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export class FileActions {
  readonly stub = new StubSupervisor();
  /** Holds the folders of attempts and the one for files. */
  home = '';
  files = '';
  #server: TestServer | null = null;
  #script: ScriptExecutor | null = null;
  #groups: ProcessGroup[] = [];
  #number = 0;

  async openServer(): Promise<void> {
    this.#server = await startTestServer({ supervisor: this.stub, tokens: TOKENS });
  }

  async closeServer(): Promise<void> {
    await this.#server?.close(0);
  }

  open(): void {
    this.home = realpathSync(mkdtempSync(join(tmpdir(), 'muster-file-')));
    this.files = join(this.home, 'files');
    mkdirSync(this.files);
    const token = makeNodeToken(TOKENS.agent, 'web-1');
    writeFileSync(join(this.home, 'node.token'), token, { mode: 0o600 });
    this.#script = new ScriptExecutor({
      nodeId: 'web-1',
      attemptsFolder: this.home,
      environment: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '' },
      clock: systemClock,
    });
    this.stub.calls.length = 0;
  }

  close(): void {
    for (const group of this.#groups) if (!group.isEmpty()) group.signal('SIGKILL');
    this.#groups = [];
    this.script.close();
    rmSync(this.home, { recursive: true, force: true });
  }

  get script(): ScriptExecutor {
    if (this.#script === null) throw new Error('it is not open');
    return this.#script;
  }

  /** The folder of the last attempt. */
  get folder(): string {
    return join(this.home, `attempt-${this.#number}`);
  }

  async start(action: Action, allowedPaths: string[] = []): Promise<StartResult> {
    const nodeTokenFile = join(this.home, 'node.token');
    const supervisor = { serverUrl: this.#server?.url ?? '', ca: null, nodeTokenFile };
    const { script } = this;
    const executor = new FileExecutor({ nodeId: 'web-1', allowedPaths, supervisor, script });
    const key = keyOf(startOf(''));
    const asked = { case: 'file' as const, value: action };
    const spec = create(TaskSpecSchema, { action: asked } as never);
    this.stub.specs.set(key.taskId, toJson(TaskSpecSchema, spec));
    this.#number += 1;
    const attempt = create(StartAttemptSchema, { ...key, action: asked } as never);
    const result = await executor.start(attempt, this.folder);
    if (result.kind === 'started') this.#groups.push(result.group);
    return result;
  }

  async perform(action: Action, allowedPaths: string[] = []): Promise<Outcome> {
    const result = await this.start(action, allowedPaths);
    if (result.kind === 'failed') throw new Error(result.why);
    await result.group.ended;
    const read = (name: string) => readFileSync(join(this.folder, name), 'utf8');
    const code = result.group.readExit()?.exitCode;
    return { code, stdout: read('stdout'), stderr: read('stderr') };
  }

  /** A put of a content that the stub has. */
  putOf(
    path: string,
    content: Uint8Array | string,
    more: MessageInitShape<typeof PutFileSchema> = {},
  ): Action {
    const bytes = Buffer.from(content);
    const sha256 = hashOf(bytes);
    this.stub.contents.set(sha256, bytes);
    const value = { sha256, sizeBytes: BigInt(bytes.length), ...more };
    return { path, operation: { case: 'put', value } as never };
  }
}

/** File actions with a server for the file of tests, and folders for each test. */
export function useFileActions(): FileActions {
  const actions = new FileActions();
  beforeAll(() => actions.openServer());
  beforeEach(() => actions.open());
  afterEach(() => actions.close());
  afterAll(() => actions.closeServer());
  return actions;
}

export const plain = (path: string, operation: 'get' | 'delete' | 'stat'): Action => ({
  path,
  operation: { case: operation, value: {} } as never,
});

export const hashOf = (content: Uint8Array | string) =>
  createHash('sha256').update(content).digest('hex');

export const failed = (stderr: string): Outcome => ({ code: 1, stdout: '', stderr });
export const done = (stdout: string): Outcome => ({ code: 0, stdout, stderr: '' });
