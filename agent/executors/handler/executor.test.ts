// The handler executor with a real module in real threads: what handlers return, say, throw and do to their thread.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StartAttemptSchema } from '../../../proto/gen/muster/v1/agent_service_pb.ts';
import { systemClock } from '../../../src/process/clock.ts';
import { silentLogger } from '../../../src/process/log.ts';
import { runtimeName } from '../../../src/process/runtime.ts';
import { type AttemptProgress, nameOf } from '../../attempt-record.ts';
import type { OutputSource, StreamName } from '../../output-source.ts';
import { startCall } from '../../testing/starts.ts';
import type { ProcessGroup } from '../executor.ts';
import { HandlerExecutor } from './executor.ts';

const MODULE = new URL('../../testing/handlers-module.ts', import.meta.url).href;
const MEMORY_MIB = 64;

let executor: HandlerExecutor;
let progress: AttemptProgress[];

async function open(module: string | null): Promise<HandlerExecutor> {
  const environment = { GREETING: 'hello' };
  const own = { nodeId: 'web-1', memoryMiB: MEMORY_MIB, environment };
  return await HandlerExecutor.open({ ...own, module, clock: systemClock, log: silentLogger });
}

beforeEach(async () => {
  executor = await open(MODULE);
  progress = [];
  executor.onProgress = (_, told) => progress.push(told);
});

afterEach(() => executor.close());

interface Call {
  readonly group: ProcessGroup;
  readonly output: OutputSource;
}

async function call(handler: string, input?: unknown, outputCapBytes?: number): Promise<Call> {
  const bounds = outputCapBytes === undefined ? {} : { outputCapBytes };
  const start = create(StartAttemptSchema, startCall(handler, input, bounds));
  const output = executor.outputOf(start);
  const result = await executor.start(start);
  if (result.kind === 'failed') throw new Error(result.why);
  return { group: result.group, output };
}

async function over(handler: string, input?: unknown, outputCapBytes?: number) {
  const { group, output } = await call(handler, input, outputCapBytes);
  await group.ended;
  return { group, output, exit: group.readExit(), result: text(output, 'result') };
}

function text(output: OutputSource, name: StreamName): string {
  const bytes = Buffer.alloc(output.sizeOf(name));
  output.read(name, 0, bytes);
  return bytes.toString();
}

describe('a handler', () => {
  it('gets its input, and what it returns is the result', async () => {
    const input = { width: 200, names: ['ä', null] };
    const { exit, result } = await over('echo', input);
    expect(exit).toMatchObject({ exitCode: 0, signal: null });
    expect(JSON.parse(result)).toEqual(input);
  });

  it('has null for an input that is not given, and nothing is kept of a result of null', async () => {
    expect(await over('echo')).toMatchObject({ exit: { exitCode: 0 }, result: '' });
    expect(await over('nothing', 5)).toMatchObject({ exit: { exitCode: 0 }, result: '' });
  });

  it('writes to the output of its own attempt, by the console, the process and its context', async () => {
    const { output } = await over('talk');
    expect(text(output, 'stdout')).toBe('one 1\nthree\n');
    expect(text(output, 'stderr')).toBe('two\nfour\n');
    const { output: other } = await over('steps', { count: 1 });
    expect(text(other, 'stdout')).toMatch(/^attempt 1 of [-0-9a-f]{36}\n$/);
  });

  it('tells its progress, the last one always', async () => {
    await over('steps', { count: 1_000 });
    expect(progress.at(0)).toEqual({ fraction: 0.001, message: 'step 1' });
    expect(progress.at(-1)).toEqual({ fraction: 1, message: 'step 1000' });
    expect(progress.length).toBeLessThan(1_000);
  });

  it('writes up to the cap, and the rest is counted', async () => {
    const { output } = await over('flood', { lines: 20_000 }, 150_050);
    expect(output.sizeOf('stdout')).toBe(150_050);
    expect(output.dropped).toEqual({ stdout: 2_000_000 - 150_050, stderr: 0 });
    expect(text(output, 'stdout').slice(-151)).toBe(`\n${'x'.repeat(99)}\n${'x'.repeat(50)}`);
  });

  it('fails its attempt when it throws, with the message, and the stack is in the output', async () => {
    const { exit, output } = await over('fail', 'no disk');
    expect(exit).toMatchObject({ exitCode: 1, signal: null, failure: 'no disk' });
    expect(text(output, 'stderr')).toMatch(/^Error: no disk\n +at .*fail.*handlers-module\.ts/);
    expect(text(output, 'stderr')).not.toContain('thread-main');
    const odd = await over('failOddly');
    expect(odd.exit).toMatchObject({ exitCode: 1, failure: 'no error at all' });
  });

  it('fails when its result is too big or no JSON', async () => {
    const limit = 256 * 1024;
    expect(await over('big', { bytes: limit - 2 })).toMatchObject({ exit: { exitCode: 0 } });
    const { exit, result } = await over('big', { bytes: limit - 1 });
    const failure = `the result of big has ${limit + 1} bytes of JSON; there can be ${limit}`;
    expect([exit, result]).toMatchObject([{ exitCode: 1, failure }, '']);
    const bad = await over('notJson');
    expect(bad.exit?.failure).toMatch(/^the result of notJson is no JSON: .*BigInt/);
  });

  it('sees the environment of scripts, without anything of Muster', async () => {
    const { result } = await over('environment');
    expect(JSON.parse(result)).toEqual({ GREETING: 'hello' });
  });
});

describe('a stop', () => {
  it('fires the signal of the handler, which fails with it', async () => {
    const { group, output } = await call('untilAborted');
    await expect.poll(() => text(output, 'stdout')).toBe('waiting\n');
    group.signal('SIGTERM');
    await group.ended;
    expect(group.readExit()).toMatchObject({ exitCode: 1, failure: 'the task is being stopped' });
  });

  it('lets a handler finish in good order, and its thread is used again', async () => {
    const { group, output } = await call('finishWhenAborted');
    await expect.poll(() => text(output, 'stdout')).toBe('waiting\n');
    group.signal('SIGTERM');
    await group.ended;
    expect(group.readExit()).toMatchObject({ exitCode: 0 });
    expect([text(output, 'result'), group.broken]).toEqual(['"in good order"', null]);
    expect(await over('echo', 1)).toMatchObject({ result: '1' });
  });

  it('terminates the thread of one that loops for ever, whose last words are kept', async () => {
    const { group, output } = await call('loop');
    await expect.poll(() => text(output, 'stdout')).toBe('round and round\n');
    expect([group.hasEnded(), group.isEmpty()]).toEqual([false, false]);
    group.signal('SIGTERM');
    group.signal('SIGKILL');
    await group.ended;
    expect(group.readExit()).toMatchObject({ exitCode: 137, signal: 'SIGKILL' });
    // It was the agent that ended the thread; its worker is fine.
    expect(group.broken).toBe(null);
    expect(await over('echo', 1)).toMatchObject({ result: '1' });
  });
});

describe('a thread that dies', () => {
  it.each([
    ['exit', 3, 'ended with code 3'],
    ['throwElsewhere', null, 'from a timer'],
  ])(
    'by %s fails its call alone, and says that the worker is broken',
    async (handler, input, why) => {
      const other = await call('untilAborted');
      const { group, exit } = await over(handler, input);
      expect(exit).toMatchObject({ exitCode: 1, signal: null });
      expect([exit?.failure, group.broken]).toEqual([
        expect.stringContaining(why),
        expect.stringContaining(why),
      ]);
      expect(other.group.hasEnded()).toBe(false);
      expect(await over('echo', 1)).toMatchObject({ result: '1' });
    },
  );

  it.skipIf(runtimeName() === 'deno')('of too much memory fails its call alone', async () => {
    const other = await call('untilAborted');
    const { group, exit } = await over('eatMemory');
    const why = `the handler needed more than ${MEMORY_MIB} MiB of memory, and its thread was ended`;
    expect([exit?.failure, group.broken]).toEqual([why, why]);
    expect(other.group.hasEnded()).toBe(false);
  });
});

// Deno stops such a thread as well, and tells nobody: its call ends at the deadline.
it.runIf(runtimeName() === 'deno')(
  'of too much memory holds up nobody until it is ended',
  async () => {
    const { group } = await call('eatMemory');
    expect(await over('echo', 1)).toMatchObject({ result: '1' });
    group.signal('SIGKILL');
    await group.ended;
    expect(group.readExit()).toMatchObject({ signal: 'SIGKILL' });
  },
);

describe('calls at once', () => {
  it('each have a thread', async () => {
    const calls = await Promise.all([1, 2, 3].map(() => call('finishWhenAborted')));
    for (const { output } of calls) {
      await expect.poll(() => text(output, 'stdout'), { timeout: 10_000 }).toBe('waiting\n');
    }
    for (const { group } of calls) group.signal('SIGTERM');
    await Promise.all(calls.map(({ group }) => group.ended));
    expect(calls.map(({ output }) => text(output, 'result'))).toEqual(
      Array(3).fill('"in good order"'),
    );
  });
});

describe('what cannot be called', () => {
  it('is said with the names of the handlers that there are', async () => {
    expect(executor.names).toContain('echo');
    expect(executor.names).not.toContain('version');
    await expect(call('ecco')).rejects.toThrow(
      /^node web-1 has no handler ecco; it has big, eatMemory, echo, .*, untilAborted$/,
    );
  });

  it('is an input that is no JSON', async () => {
    const start = create(StartAttemptSchema, startCall('echo'));
    if (start.action.case === 'handler') start.action.value.inputJson = '{';
    executor.outputOf(start);
    const why = 'the input of echo is no JSON';
    expect(await executor.start(start)).toEqual({ kind: 'failed', why });
  });

  it('is anything on an agent without handlers', async () => {
    executor.close();
    executor = await open(null);
    await expect(call('echo')).rejects.toThrow(
      'node web-1 has no handlers: its agent was started without --handlers',
    );
  });
});

describe('a module', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'muster-handlers-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it.each([
    ['throw new Error("no licence");', 'cannot be loaded: no licence'],
    ['export const answer = 42;', 'exports no function, and each handler is one'],
    ['process.exit(4);', 'cannot be loaded: the thread was ended with code 4'],
  ])('that is %j is refused', async (source, why) => {
    const file = join(folder, 'handlers.ts');
    writeFileSync(file, source);
    await expect(open(pathToFileURL(file).href)).rejects.toThrow(why);
  });
});

it('keeps the output of an attempt until it is removed, and finds no attempt of another agent', async () => {
  const start = create(StartAttemptSchema, startCall('echo', 1));
  const folder = `/attempts/${nameOf(start)}`;
  executor.outputOf(start);
  expect(executor.holds(folder)).toBe(true);
  await executor.remove(folder);
  expect(executor.holds(folder)).toBe(false);
  expect(await executor.find()).toMatchObject({ kind: 'gone' });
});
