// Output files that grow: what may be sent, and where the cap cuts.

import { appendFileSync, mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AttemptOutput, type StreamName } from './output.ts';
import type { StreamBytes } from './attempt-record.ts';
import { FileOutput } from './output-source.ts';
import { TRIM_STEP_BYTES } from './output-trimmer.ts';

let folder: string;
let cut: StreamBytes | null;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-output-'));
  cut = null;
});

afterEach(() => rmSync(folder, { recursive: true }));

const write = (name: StreamName, bytes: number) =>
  appendFileSync(join(folder, name), Buffer.alloc(bytes, name));

function open(capBytes: number, acked = { stdout: 0, stderr: 0, result: 0 }): AttemptOutput {
  const onCut = (at: StreamBytes) => {
    cut = at;
  };
  return new AttemptOutput({ source: new FileOutput(folder), capBytes, acked, cut, onCut });
}

describe('AttemptOutput', () => {
  it('has nothing while there are no files', () => {
    const output = open(100);
    expect(output.refresh()).toBe(false);
    expect(output.read('stdout', 0, 10)).toHaveLength(0);
  });

  it('reads what has been seen, from any offset', () => {
    const output = open(100);
    write('stdout', 12);
    expect(output.read('stdout', 0, 10)).toHaveLength(0);
    expect(output.refresh()).toBe(true);
    expect(output.refresh()).toBe(false);
    expect(Buffer.from(output.read('stdout', 6, 100)).toString()).toBe('stdout');
    output.close();
    expect(output.read('stdout', 0, 4)).toHaveLength(4);
    output.close();
  });

  it('shares the rest of the cap, and counts what is behind it (I5)', () => {
    const output = open(100);
    write('stdout', 30);
    write('stderr', 20);
    output.refresh();
    expect(cut).toBeNull();
    write('stderr', 500);
    write('stdout', 10);
    output.refresh();
    expect(cut).toEqual({ stdout: 40, stderr: 60 });
    write('stdout', 1_000);
    output.refresh();
    expect(output.sendableBytes('stdout')).toBe(40);
    expect(output.countBytes()).toEqual({
      stdoutBytes: 1_040,
      stderrBytes: 520,
      droppedBytes: 1_460,
    });
    output.close();
  });

  it('keeps the cut after a restart', () => {
    write('stdout', 300);
    const output = open(100);
    output.refresh();
    output.close();
    write('stderr', 300);
    const again = open(100, { stdout: 100, stderr: 0, result: 0 });
    again.refresh();
    expect(again.sendableBytes('stderr')).toBe(0);
    again.close();
  });

  it('lets the disk go of what is behind the cut, step by step, and again after a restart (I5)', () => {
    const trimmed: [string, number, number][] = [];
    const trimmer = {
      trim: (path: string, from: number, until: number) =>
        void trimmed.push([path.slice(folder.length + 1), from, until]),
    };
    const at = { stdout: 100, stderr: 0 };
    const reopen = () =>
      new AttemptOutput({
        source: new FileOutput(folder, trimmer),
        capBytes: 100,
        acked: { stdout: 100, stderr: 0 },
        cut: at,
        onCut: () => {},
      });
    const grow = (name: StreamName, size: number) => truncateSync(join(folder, name), size);
    write('stdout', 100);
    write('stderr', 1);
    const output = reopen();
    for (const steps of [0.5, 1.5, 2, 2.25, 2.75]) {
      grow('stdout', 100 + steps * TRIM_STEP_BYTES);
      output.refresh();
    }
    grow('stderr', TRIM_STEP_BYTES);
    output.refresh();
    output.close();
    expect(trimmed.splice(0)).toEqual([
      ['stdout', 100, 100 + 1.5 * TRIM_STEP_BYTES],
      ['stdout', 100, 100 + 2.75 * TRIM_STEP_BYTES],
      ['stderr', 0, TRIM_STEP_BYTES],
    ]);
    const again = reopen();
    again.refresh();
    again.close();
    expect(trimmed).toEqual([
      ['stdout', 100, 100 + 2.75 * TRIM_STEP_BYTES],
      ['stderr', 0, TRIM_STEP_BYTES],
    ]);
    const size = 2.75 * TRIM_STEP_BYTES;
    expect(again.countBytes()).toEqual({
      stdoutBytes: 100 + size,
      stderrBytes: TRIM_STEP_BYTES,
      droppedBytes: size + TRIM_STEP_BYTES,
    });
  });

  it('does not wait for what somebody has cut away', () => {
    const output = open(100);
    write('stdout', 50);
    output.refresh();
    truncateSync(join(folder, 'stdout'), 10);
    expect(output.read('stdout', 0, 100)).toHaveLength(10);
    expect(output.read('stdout', 10, 100)).toHaveLength(0);
    expect(output.sendableBytes('stdout')).toBe(10);
    output.close();
  });

  it('never lets more through than the cap, and never takes back (I5)', () => {
    const growth = fc.array(fc.tuple(fc.constantFrom('stdout', 'stderr'), fc.nat(60)), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(growth, fc.integer({ min: 1, max: 150 }), (steps, cap) => {
        rmSync(join(folder, 'stdout'), { force: true });
        rmSync(join(folder, 'stderr'), { force: true });
        cut = null;
        const output = open(cap);
        let sendable = { stdout: 0, stderr: 0 };
        for (const [name, bytes] of steps) {
          write(name as StreamName, bytes);
          output.refresh();
          const now = {
            stdout: output.sendableBytes('stdout'),
            stderr: output.sendableBytes('stderr'),
          };
          expect(now.stdout + now.stderr).toBeLessThanOrEqual(cap);
          expect(now.stdout).toBeGreaterThanOrEqual(sendable.stdout);
          expect(now.stderr).toBeGreaterThanOrEqual(sendable.stderr);
          sendable = now;
        }
        const total = steps.reduce((sum, [, bytes]) => sum + bytes, 0);
        const { droppedBytes } = output.countBytes();
        expect(sendable.stdout + sendable.stderr).toBe(Math.min(total, cap));
        expect(droppedBytes).toBe(Math.max(total - cap, 0));
        output.close();
      }),
      { numRuns: 60 },
    );
  });
});
