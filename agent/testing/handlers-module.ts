/**
 * A module of handlers for tests: what handlers do well, and what they do badly.
 */
import { appendFileSync } from 'node:fs';
import type { Handler, HandlerContext } from '../handlers.ts';

export const version = '1';

export const echo: Handler = (input) => input;

export const nothing: Handler = () => {};

export async function steps(input: { count: number }, context: HandlerContext): Promise<string> {
  for (let step = 1; step <= input.count; step += 1) {
    context.progress(step / input.count, `step ${step}`);
  }
  context.log(`attempt ${context.attempt} of ${context.taskId}`);
  return 'done';
}

export function talk(): void {
  console.log('one %d', 1);
  console.error('two');
  process.stdout.write('three\n');
  process.stderr.write(Buffer.from('four\n'));
}

export function flood({ lines }: { lines: number }): void {
  for (let line = 0; line < lines; line += 1) console.log('x'.repeat(99));
}

export function fail(message: string): never {
  throw new Error(message);
}

export function failOddly(): never {
  // oxlint-disable-next-line typescript/only-throw-error -- that is the point
  throw 'no error at all';
}

export function big({ bytes }: { bytes: number }): string {
  return 'x'.repeat(bytes);
}

export const notJson: Handler = () => 1n;

export function loop(): never {
  console.log('round and round');
  for (;;);
}

export async function untilAborted(_: unknown, { signal, log }: HandlerContext): Promise<string> {
  log('waiting');
  await new Promise((resolve) => signal.addEventListener('abort', resolve));
  if (signal.reason instanceof Error) throw signal.reason;
  return 'went on';
}

export async function finishWhenAborted(_: unknown, context: HandlerContext): Promise<string> {
  context.log('waiting');
  await new Promise((resolve) => context.signal.addEventListener('abort', resolve));
  return 'in good order';
}

export function eatMemory(): never {
  const eaten: number[][] = [];
  for (;;) eaten.push(Array.from({ length: 100_000 }, Math.random));
}

export function exit(code: number): never {
  process.exit(code);
}

export async function throwElsewhere(): Promise<never> {
  setTimeout(() => {
    throw new Error('from a timer');
  });
  return await new Promise(() => {});
}

/** Returns what it can see of the environment. */
export const environment: Handler = () => ({ ...process.env });

/** Tells its progress once, and waits until it is stopped. */
export async function report(fraction: number, context: HandlerContext): Promise<void> {
  context.progress(fraction, 'a quarter');
  await new Promise((resolve) => context.signal.addEventListener('abort', resolve));
  throw context.signal.reason;
}

/** Says in a file that it was called, then waits for ever. */
export async function mark({ file }: { file: string }, { log }: HandlerContext): Promise<never> {
  appendFileSync(file, 'called\n');
  log('marked');
  return await new Promise(() => {});
}

/** As `mark`, but returns from the second attempt on. */
export async function markOnce(input: { file: string }, context: HandlerContext): Promise<number> {
  if (context.attempt === 1) await mark(input, context);
  return context.attempt;
}
