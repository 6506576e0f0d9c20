/**
 * Whether holes can be punched into files here: what output-trimmer.ts does needs fallocate and a file system that can.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Tries it in a folder inside of `parent`. */
export function canPunchHoles(parent: string): boolean {
  const folder = mkdtempSync(join(parent, 'muster-holes-'));
  try {
    const file = join(folder, 'file');
    writeFileSync(file, Buffer.alloc(8192));
    const range = ['--offset', '4096', '--length', '4096'];
    return spawnSync('fallocate', ['--punch-hole', '--keep-size', ...range, file]).status === 0;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
