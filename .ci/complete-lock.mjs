/**
 * Completes package-lock.json after `npm install`: adds the entries of optional packages for other platforms that the
 * registry at hand did not offer. npm 11's `npm ci` refuses a lockfile without them. Usage: node .ci/complete-lock.mjs
 */
import { readFileSync, writeFileSync } from 'node:fs';

const FILE = 'package-lock.json';
const PLATFORM =
  /(android|darwin|freebsd|linux|win32|openharmony)-(arm64|armv7|arm|x64|ia32|ppc64|riscv64|s390x|aarch64)(?:-(gnu\w*|musl\w*|glibc|msvc|eabi))?$/;
const CPU_NAMES = { armv7: 'arm', aarch64: 'arm64' };

const lock = JSON.parse(readFileSync(FILE, 'utf8'));
const packages = lock.packages;
let added = 0;

for (const [path, parent] of Object.entries(packages)) {
  if (path === '') continue;
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    const place = `node_modules/${name}`;
    if (packages[place] || packages[`${path}/node_modules/${name}`]) continue;
    const match = PLATFORM.exec(name);
    if (match === null) {
      process.stderr.write(`cannot tell the platform of ${name}; add it by hand\n`);
      process.exitCode = 1;
      continue;
    }
    packages[place] = entryOf(parent, version, match);
    added += 1;
  }
}
const names = Object.keys(packages).sort((a, b) => a.localeCompare(b, 'en'));
lock.packages = Object.fromEntries(names.map((name) => [name, packages[name]]));
writeFileSync(FILE, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(`${added} entries added to ${FILE}\n`);

function entryOf(parent, version, [, os, cpu, abi]) {
  return {
    version,
    cpu: [CPU_NAMES[cpu] ?? cpu],
    ...(parent.dev ? { dev: true } : {}),
    ...(os === 'linux' && abi ? { libc: [abi.startsWith('musl') ? 'musl' : 'glibc'] } : {}),
    ...(parent.license ? { license: parent.license } : {}),
    optional: true,
    os: [os],
    ...(parent.engines ? { engines: parent.engines } : {}),
  };
}
