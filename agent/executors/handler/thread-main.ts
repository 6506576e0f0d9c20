/**
 * The program of a handler thread: loads the module, then carries out one call after the other. Started by thread.ts.
 *
 * Whatever a handler writes, to the console or to the streams of the process, belongs to the call that it was called in, also
 * from a callback; what comes after the end of its call, or outside of any, is no task's output.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { Buffer } from 'node:buffer';
import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { parentPort, workerData } from 'node:worker_threads';
import type { Handler, HandlerContext } from '../../handlers.ts';
import { CallOutput } from './call-output.ts';
import { CallProgress } from './call-progress.ts';
import {
  type CallEnd,
  type CallMessage,
  type FromThread,
  HANDLER_NAME,
  MAX_JSON_BYTES,
  type OutputName,
  type ThreadData,
  type ToThread,
} from './messages.ts';

/** Longest text of a failure; the whole of it is in the output. */
const MAX_FAILURE_CHARACTERS = 1_000;

interface Running {
  readonly output: CallOutput;
  readonly abort: AbortController;
  isOver: boolean;
}

const calls = new AsyncLocalStorage<Running>();
let current: { readonly call: number; readonly running: Running } | null = null;

function say(message: FromThread): void {
  parentPort?.postMessage(message);
}

function write(stream: OutputName, content: string | Uint8Array): void {
  const running = calls.getStore();
  if (running === undefined)
    say({ kind: 'stray', text: Buffer.from(content as string).toString() });
  else if (!running.isOver) running.output.write(stream, content);
}

/** Leads the console and the streams of the process to the call that writes. */
function captureOutput(): void {
  const streams = { stdout: streamTo('stdout'), stderr: streamTo('stderr') };
  const captured = new Console({ ...streams, colorMode: false }) as unknown as Methods;
  const own = globalThis.console as unknown as Methods;
  for (const [name, method] of Object.entries(captured)) {
    if (typeof method === 'function') own[name] = method;
  }
  for (const stream of ['stdout', 'stderr'] as const) {
    process[stream].write = streams[stream].write.bind(
      streams[stream],
    ) as typeof process.stdout.write;
  }
}

type Methods = Record<string, unknown>;

function streamTo(stream: OutputName): Writable {
  return new Writable({
    decodeStrings: false,
    write(chunk: string | Uint8Array, _encoding, done) {
      write(stream, chunk);
      done();
    },
  });
}

async function load(): Promise<Map<string, Handler>> {
  const { module: url } = workerData as ThreadData;
  const module = (await import(url)) as Record<string, unknown>;
  const handlers = new Map<string, Handler>();
  for (const [name, value] of Object.entries(module)) {
    if (typeof value === 'function' && HANDLER_NAME.test(name))
      handlers.set(name, value as Handler);
  }
  return handlers;
}

async function carryOut(handler: Handler | undefined, message: CallMessage): Promise<void> {
  const { call, capBytes } = message;
  const tell = (said: Extract<FromThread, { kind: 'call' }>['said']) =>
    say({ kind: 'call', call, said });
  const output = new CallOutput(capBytes, tell);
  const running: Running = { output, abort: new AbortController(), isOver: false };
  const progress = new CallProgress((said) => {
    if (!running.isOver) tell(said);
  });
  current = { call, running };
  const end = await calls.run(running, () => callHandler(handler, message, running, progress));
  progress.flush();
  running.isOver = true;
  output.end();
  current = null;
  tell({ kind: 'ended', end });
}

async function callHandler(
  handler: Handler | undefined,
  { handler: name, inputJson, taskId, attempt }: CallMessage,
  { abort, output }: Running,
  progress: CallProgress,
): Promise<CallEnd> {
  if (handler === undefined) return failed(`the module has no handler ${name} any more`);
  const context: HandlerContext = {
    taskId,
    attempt,
    signal: abort.signal,
    log: (text) => write('stdout', `${text}\n`),
    progress: (fraction, message = '') => progress.tell(fraction, message),
  };
  let result: unknown;
  try {
    result = await handler(inputJson === '' ? null : JSON.parse(inputJson), context);
  } catch (cause) {
    output.write('stderr', `${stackOf(cause)}\n`);
    return failed(cause instanceof Error ? cause.message || cause.name : describe(cause));
  }
  return resultOf(result, name);
}

/** The stack without the frames of Muster, which are all below those of the handler. */
function stackOf(cause: unknown): string {
  if (!(cause instanceof Error)) return describe(cause);
  const lines = (cause.stack ?? String(cause)).split('\n');
  const own = lines.findIndex((line) => line.includes(import.meta.url));
  return (own < 0 ? lines : lines.slice(0, own)).join('\n');
}

function resultOf(result: unknown, name: string): CallEnd {
  try {
    // Undefined, a function and a symbol have no JSON.
    const json = JSON.stringify(result) ?? 'null';
    const bytes = Buffer.byteLength(json);
    if (bytes > MAX_JSON_BYTES) {
      return failed(
        `the result of ${name} has ${bytes} bytes of JSON; there can be ${MAX_JSON_BYTES}`,
      );
    }
    return { isDone: true, resultJson: json === 'null' ? '' : json };
  } catch (cause) {
    return failed(`the result of ${name} is no JSON: ${describe(cause)}`);
  }
}

function failed(text: string): CallEnd {
  const failure = text.toWellFormed().replaceAll('\0', '\ufffd').slice(0, MAX_FAILURE_CHARACTERS);
  return { isDone: false, failure: failure.toWellFormed() };
}

/** Says what was thrown, whatever it is. */
function describe(cause: unknown): string {
  try {
    return cause instanceof Error ? cause.message : String(cause);
  } catch {
    return 'something that has no text';
  }
}

captureOutput();
try {
  const handlers = await load();
  parentPort?.on('message', (message: ToThread) => {
    if (message.kind === 'call') void carryOut(handlers.get(message.handler), message);
    else if (current?.call === message.call) {
      current.running.abort.abort(new DOMException('the task is being stopped', 'AbortError'));
    }
  });
  say({ kind: 'ready', names: [...handlers.keys()].sort() });
} catch (cause) {
  say({ kind: 'unusable', why: describe(cause) });
}
