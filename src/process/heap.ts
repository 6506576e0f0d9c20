/**
 * How much garbage a long-lived process keeps before it collects it.
 */
import { setFlagsFromString } from 'node:v8';
import { runtimeName } from './runtime.ts';

/**
 * Lets the heap grow to twice what is in use between two collections, instead of up to four times: a supervisor with thousands of
 * idle sessions has little in use, and makes garbage with every heartbeat. Without effect on Deno.
 */
export function keepHeapSmall(): void {
  if (runtimeName() === 'node') setFlagsFromString('--heap-growing-percent=100');
}
