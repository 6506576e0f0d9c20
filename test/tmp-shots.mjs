import { chromium } from 'playwright-core';
import fs from 'node:fs';
const base = 'http://127.0.0.1:7471';
const token = fs.readFileSync('/tmp/k/token', 'utf8').trim();
const b = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
});
const ctx = await b.newContext({ viewport: { width: 1440, height: 900 } });
const page = await ctx.newPage();
page.on('console', (m) => {
  if (m.type() === 'error') console.log('console:', m.text().slice(0, 200));
});
page.on('pageerror', (e) => console.log('pageerror', String(e).slice(0, 300)));
await page.goto(base + '/login');
await page.getByLabel('User token').fill(token);
await page.getByRole('button', { name: 'Log in' }).click();
await page.waitForURL(base + '/');
const theme = process.argv[2] ?? 'light';
await page.evaluate((t) => localStorage.setItem('muster.theme', t), theme);
const list = process.argv.slice(3);
const ids = JSON.parse(fs.readFileSync('/tmp/k/ids.json', 'utf8'));
for (const p of list) {
  const path = p.replace(/:(\w+)/g, (m, n) => ids[n] ?? m);
  await page.goto(base + path);
  await page.waitForTimeout(2500);
  const f = '/tmp/shots/' + theme + p.replace(/[^a-z0-9]+/gi, '_') + '.png';
  await page.screenshot({ path: f });
  console.log(f);
}
await b.close();
