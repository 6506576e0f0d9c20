import fs from 'node:fs';
const file = process.argv[2]; const lock = JSON.parse(fs.readFileSync(file, 'utf8')); const P = lock.packages; let n = 0;
for (const [path, pkg] of Object.entries(P)) for (const [name, version] of Object.entries(pkg.optionalDependencies ?? {})) {
  const at = `node_modules/${name}`;
  if (path === '' || P[at] || P[`${path}/node_modules/${name}`]) continue;
  const m = /(android|darwin|freebsd|linux|win32|openharmony)-(arm64|armv7|arm|x64|ia32|ppc64|riscv64|s390x|aarch64)(?:-(gnu\w*|musl\w*|glibc|msvc|eabi))?$/.exec(name);
  if (!m) { console.error('?', name); continue; }
  const e = { version, cpu: [{ armv7: 'arm', aarch64: 'arm64' }[m[2]] ?? m[2]] };
  if (pkg.dev) e.dev = true;
  if (m[1] === 'linux' && m[3]) e.libc = [m[3].startsWith('musl') ? 'musl' : 'glibc'];
  if (pkg.license) e.license = pkg.license; e.optional = true; e.os = [m[1]];
  if (pkg.engines) e.engines = pkg.engines;
  P[at] = e; n++;
}
const keys = Object.keys(P).sort((a, b) => a.localeCompare(b, 'en'));
lock.packages = Object.fromEntries(keys.map((k) => [k, P[k]]));
fs.writeFileSync(file, JSON.stringify(lock, null, 2) + '\n'); console.log('added', n);
