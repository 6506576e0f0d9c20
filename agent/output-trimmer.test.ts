// Holes behind the cut of output files: what is there, how long it is, and what happens where there can be none.

import {
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SimulatedClock, systemClock } from '../src/process/clock.ts';
import { createLogger } from '../src/process/log.ts';
import { OutputTrimmer } from './output-trimmer.ts';
import { canPunchHoles } from './testing/holes.ts';

const SIZE = 4 * 2 ** 20;

let folder: string;
let file: string;
let lines: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-trimmer-'));
  file = join(folder, 'stdout');
  lines = [];
});

afterEach(() => rmSync(folder, { recursive: true }));

const log = createLogger('web-1', 'debug', (line) => lines.push(line));
const onDisk = (path: string) => statSync(path).blocks * 512;

describe.skipIf(!canPunchHoles(tmpdir()))('a trimmed file', () => {
  it('keeps its size and every byte before the hole, and takes the room of those alone (I5)', async () => {
    writeFileSync(file, Buffer.alloc(SIZE, 'x'));
    const trimmer = new OutputTrimmer({ clock: systemClock, log });
    trimmer.trim(file, 1_000, SIZE);
    await expect.poll(() => onDisk(file)).toBeLessThanOrEqual(4096);
    const content = readFileSync(file);
    expect(content).toHaveLength(SIZE);
    expect(content.subarray(0, 1_000).equals(Buffer.alloc(1_000, 'x'))).toBe(true);
    expect(lines).toEqual([]);
  });

  it('is never one that was put into its place, and one that is gone is no fault', async () => {
    const other = join(folder, 'other');
    writeFileSync(other, Buffer.alloc(SIZE, 'x'));
    symlinkSync(other, file);
    const last = join(folder, 'last');
    writeFileSync(last, Buffer.alloc(SIZE, 'x'));
    const trimmer = new OutputTrimmer({ clock: systemClock, log });
    trimmer.trim(file, 0, SIZE);
    trimmer.trim(join(folder, 'gone'), 0, SIZE);
    trimmer.trim(last, 0, SIZE);
    await expect.poll(() => onDisk(last)).toBe(0);
    expect(onDisk(other)).toBeGreaterThanOrEqual(SIZE);
    expect(lines).toEqual([]);
  });
});

describe('a host where no holes can be punched', () => {
  it.each([
    ['has no fallocate', 'no-such-program'],
    ['has one that fails', 'false'],
  ])('%s: the log says so once, and files stay as they are', async (_, program) => {
    writeFileSync(file, '');
    truncateSync(file, SIZE);
    const clock = new SimulatedClock();
    const trimmer = new OutputTrimmer({ clock, log, program });
    trimmer.trim(file, 0, SIZE);
    await expect.poll(() => lines.length).toBe(1);
    expect(lines[0]).toMatch(
      /warn web-1 output beyond the cap stays on disk .*(ENOENT|NotFound|false ended with 1)/,
    );
    trimmer.trim(file, 0, SIZE);
    clock.advance(60_000);
    trimmer.trim(file, 0, SIZE);
    // It is tried again, and fails again without a word.
    await expect.poll(() => trimmer.isPaused).toBe(true);
    expect(lines).toHaveLength(1);
  });
});
