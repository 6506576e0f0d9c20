/**
 * How much a browser fetches before the console can show its first screen. The console is built in memory for it, so that the figure
 * is that of the source as it is.
 */
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { build, type Rollup } from 'vite';

const WEB = fileURLToPath(new URL('../web', import.meta.url));
/** Gzipped, together. */
const MAX_INITIAL_BYTES = 250_000;
const BUILD_TIMEOUT_MS = 120_000;

let files: ReadonlyMap<string, Rollup.OutputChunk | Rollup.OutputAsset>;

beforeAll(async () => {
  // Vitest says `test` here, with which React would come in its form for development.
  vi.stubEnv('NODE_ENV', 'production');
  const result = await build({
    root: WEB,
    logLevel: 'error',
    // Else it writes a file beside it, which other tests may find.
    configLoader: 'native',
    build: { write: false },
  });
  if ('on' in result) throw new Error('The build watches, and does not end');
  const outputs = [result].flat().flatMap(({ output }) => output);
  files = new Map(outputs.map((file) => [file.fileName, file]));
}, BUILD_TIMEOUT_MS);

/** The chunk that was made of a source file. */
function chunkOf(source: string): Rollup.OutputChunk {
  for (const file of files.values()) {
    if (file.type === 'chunk' && file.facadeModuleId?.endsWith(source) === true) return file;
  }
  throw new Error(`No chunk was made of ${source}`);
}

/** A chunk, what it imports statically, and their stylesheets. */
function namesWith(chunk: Rollup.OutputChunk, found = new Set<string>()): Set<string> {
  if (found.has(chunk.fileName)) return found;
  found.add(chunk.fileName);
  for (const style of chunk.viteMetadata?.importedCss ?? []) found.add(style);
  for (const name of chunk.imports) {
    const file = files.get(name);
    if (file?.type === 'chunk') namesWith(file, found);
  }
  return found;
}

function gzippedBytes(name: string): number {
  const file = files.get(name);
  if (file === undefined) throw new Error(`There is no ${name} in the build`);
  return gzipSync(file.type === 'chunk' ? file.code : file.source).length;
}

describe('the console', () => {
  it.each(['overview/overview.tsx', 'login.tsx', 'tasks/tasks.tsx', 'task/task.tsx'])(
    'shows %s after at most 250 kB',
    (screen) => {
      const names = namesWith(chunkOf('/index.html'));
      names.add('index.html');
      const withScreen = namesWith(chunkOf(`/screens/${screen}`), names);
      const sizes = [...withScreen].map((name) => [name, gzippedBytes(name)] as const);
      const total = sizes.reduce((sum, [, bytes]) => sum + bytes, 0);
      expect(sizes.length).toBeGreaterThan(3);
      expect(total, JSON.stringify(Object.fromEntries(sizes))).toBeLessThanOrEqual(
        MAX_INITIAL_BYTES,
      );
    },
  );
});
