/**
 * Writes to standard output and standard error: bytes as they are, one write after the other, waiting for the reader.
 *
 * Everything the command line prints goes through here. A write returns when the bytes are with the operating system, so
 * that a slow reader slows the sender down and nothing is lost at exit. Neither runtime's event loop is blocked by a slow
 * reader: Ctrl-C works while one is.
 */
import { ClosedPipe } from './fault.ts';

/** One of the two output streams of this process. */
export interface Sink {
  /** @throws ClosedPipe when the reader is gone */
  write(content: Uint8Array | string): Promise<void>;
  readonly isTTY: boolean;
  /** Columns of the terminal; undefined where there is none. */
  readonly columns: number | undefined;
}

/** Deno's own stdio: its `process.stdout` would block the event loop while a pipe is full. */
interface DenoStdio {
  readonly stdout: { write(bytes: Uint8Array): Promise<number> };
  readonly stderr: { write(bytes: Uint8Array): Promise<number> };
}

const deno = (globalThis as { Deno?: DenoStdio }).Deno;

/** Standard output: data. */
export const stdout: Sink = createSink('stdout');

/** Standard error: everything else. */
export const stderr: Sink = createSink('stderr');

/** Says something about what goes on, on standard error. Never fails: a closed standard error is nobody listening. */
export async function note(message: string): Promise<void> {
  await stderr.write(`muster: ${message}\n`).catch(() => undefined);
}

function createSink(name: 'stdout' | 'stderr'): Sink {
  let last: Promise<void> = Promise.resolve();
  return {
    write(content) {
      const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
      const done = last.then(() => writeAll(name, bytes));
      last = done.catch(() => undefined);
      return done;
    },
    get isTTY() {
      return process[name].isTTY === true;
    },
    get columns() {
      return process[name].isTTY === true ? process[name].columns : undefined;
    },
  };
}

async function writeAll(name: 'stdout' | 'stderr', bytes: Uint8Array): Promise<void> {
  try {
    if (deno === undefined) {
      await writeNode(name, bytes);
      return;
    }
    for (let rest = bytes; rest.length > 0; ) {
      rest = rest.subarray(await deno[name].write(rest));
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED') throw new ClosedPipe(name);
    throw error;
  }
}

const guarded = new Set<string>();

function writeNode(name: 'stdout' | 'stderr', bytes: Uint8Array): Promise<void> {
  const stream = process[name];
  if (!guarded.has(name)) {
    // The callback of the write has the error too; without a listener it would end the process.
    stream.on('error', () => undefined);
    guarded.add(name);
  }
  return new Promise((resolve, reject) => {
    stream.write(bytes, (error) => {
      if (error == null) resolve();
      else reject(error);
    });
  });
}
