/**
 * What a benchmark prints: each figure as a line for people and as one line of JSON for machines.
 *
 * Called by every benchmark. A figure carries the machine it was measured on, since it means nothing without.
 */
import { cpus, totalmem } from 'node:os';
import { runtimeName, runtimeVersion } from '../src/process/runtime.ts';

/** What a figure depends on besides the program. */
export interface Machine {
  readonly cores: number;
  readonly memoryGiB: number;
  readonly cpu: string;
  /** For example `node 24.21.0`. */
  readonly runtime: string;
  /** Version of PostgreSQL, or empty where none is used. */
  readonly postgres: string;
}

/** Describes this machine. */
export function describeMachine(postgres: string): Machine {
  const [first] = cpus();
  return {
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    cpu: first?.model.trim() ?? 'unknown',
    runtime: `${runtimeName()} ${runtimeVersion()}`,
    postgres,
  };
}

/** Takes the figures of one benchmark. */
export class Report {
  readonly #bench: string;
  readonly #machine: Machine;

  constructor(bench: string, postgres: string) {
    this.#bench = bench;
    this.#machine = describeMachine(postgres);
  }

  /** Prints something for people that is no figure. */
  note(text: string): void {
    console.log(`  ${text}`);
  }

  /** @param target what it should be, for people, for example `at least 20,000` */
  figure(metric: string, value: number, unit: string, target = ''): void {
    const rounded = round(value);
    const aim = target === '' ? '' : `   (target: ${target})`;
    console.log(`  ${metric.padEnd(44)} ${rounded.toLocaleString('en-US')} ${unit}${aim}`);
    const at = new Date().toISOString();
    const machine = this.#machine;
    console.log(JSON.stringify({ bench: this.#bench, metric, value: rounded, unit, machine, at }));
  }
}

/** Returns the value that this share of the values does not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** Returns the middle value: one slow or lucky round does not change it. */
export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

function round(value: number): number {
  if (Math.abs(value) >= 100) return Math.round(value);
  return Math.round(value * 100) / 100;
}
