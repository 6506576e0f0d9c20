/**
 * The console in a real browser, against a real supervisor, real agents and a real PostgreSQL: log-in, create, watch, read live output,
 * travel in time, cancel, retry what failed of a fan-out, drain, pause a schedule, lose and regain the supervisor.
 *
 * On Node only: what runs in the browser is the same, and the supervisor's side of it has tests of its own on both runtimes.
 */
import { createRequire } from 'node:module';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { runtimeName } from '../src/process/runtime.ts';
import { openBrowser } from './browser.ts';
import { Cluster } from './cluster.ts';

const TIMEOUT_MS = 120_000;
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

let cluster: Cluster;
let browser: Browser;
let context: BrowserContext;
let page: Page;
/** What the pages have complained of. */
const complaints: string[] = [];

const muster = async (...args: string[]) =>
  (await cluster.muster(...args)).stdout.toString().trim();
const open = (path: string) => page.goto(`${cluster.url}${path}`);
const press = (name: string | RegExp) => page.getByRole('button', { name }).first().click();
const sees = (text: string | RegExp) =>
  page.getByText(text).filter({ visible: true }).first().waitFor();

describe.skipIf(runtimeName() === 'deno')('the console', { timeout: TIMEOUT_MS }, () => {
  beforeAll(async () => {
    cluster = await Cluster.create();
    await cluster.startSupervisor();
    for (const node of ['web-1', 'web-2', 'db-1']) {
      await cluster.startAgent(node, '--label', `role=${node.split('-')[0]}`);
    }
    await cluster.online('web-1', 'web-2', 'db-1');
    browser = await openBrowser();
    context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    page = await context.newPage();
    page.setDefaultTimeout(60_000);
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      const isPolicy = message.text().includes('Content Security Policy');
      if (message.type() === 'error' && isPolicy) complaints.push(message.text());
    });
  }, TIMEOUT_MS);

  afterAll(async () => {
    await browser?.close();
    await cluster?.stop();
  }, TIMEOUT_MS);

  it('asks for the token once, refuses a wrong one, and leads to where one wanted to go', async () => {
    await open('/nodes');
    await page.getByLabel('User token').fill('wrong');
    await press('Log in');
    await sees('this is not the user token');
    await page.getByLabel('User token').fill(await cluster.token());
    await press('Log in');
    await page.getByRole('heading', { name: 'Nodes' }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/nodes');
    const [cookie] = await context.cookies();
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict' });
    expect(cookie?.name).toMatch(/^muster_session_/);
    for (const node of ['web-1', 'web-2', 'db-1']) await sees(node);
  });

  it('creates a task, shows its machine and its output live, goes back in time, and cancels it', async () => {
    await open('/tasks/new');
    const script = 'n=0; while true; do n=$((n+1)); echo "tick $n"; sleep 0.2; done';
    await page.getByRole('textbox', { name: 'Script' }).fill(script);
    await press('Run');
    await page.waitForURL(/\/tasks\/[0-9a-f-]{36}/);
    await sees('executing');
    await sees('tick 3');
    await page.keyboard.press(',');
    await press('Return to live');
    await press('Cancel');
    await press('Cancel the task');
    await sees('cancelled');
    await sees('Final, version');
    const id = new URL(page.url()).pathname.split('/').at(-1) as string;
    expect(await muster('task', 'verify', id)).toContain('clean');
  });

  it('keeps what was typed into a new task over a reload, and gives way to a link', async () => {
    await open('/tasks/new');
    const script = page.getByRole('textbox', { name: 'Script' });
    await script.fill('echo half a thou');
    await page.getByText('Environment, user, folder').click();
    await page.getByLabel('Environment').fill('A=1\nDB_PASSWORD=hunter2');
    await page.reload();
    await sees('This is what you typed before');
    await sees(/looks secret: DB_PASSWORD/);
    expect(await script.inputValue()).toBe('echo half a thou');
    expect(await page.getByLabel('Environment').inputValue()).toBe('A=1');
    await open('/tasks/new?node=web-1');
    await script.waitFor();
    expect(await script.inputValue()).toBe('');
    await script.fill('uptime');
    await page.reload();
    await sees('This is what you typed before');
    expect(await script.inputValue()).toBe('uptime');
    await open('/nodes');
    await open('/tasks/new?node=web-1');
    await script.waitFor();
    expect(await script.inputValue()).toBe('');
    await open('/tasks/new');
    await press('Begin anew');
    expect(await script.inputValue()).toBe('');
    await page.reload();
    await script.waitFor();
    expect(await script.inputValue()).toBe('');
    expect(await page.evaluate(() => JSON.stringify(sessionStorage))).not.toMatch(
      /half a thou|hunter2/,
    );
  });

  it('retries what failed of a fan-out', async () => {
    const marker = join(cluster.home, 'broken');
    await muster('run', '--node', 'web-1', '--', 'touch', marker);
    const command = `[ $MUSTER_NODE_ID != web-2 ] || [ ! -e ${marker} ]`;
    const id = await muster(
      'run',
      '-d',
      '-l',
      'role=web',
      '--name',
      'roll',
      '--',
      'sh',
      '-c',
      command,
    );
    await open(`/tasks/${id}`);
    await sees('1 of 2 completed');
    await muster('run', '--node', 'web-1', '--', 'rm', marker);
    await press(/Retry failed/);
    await page.waitForURL(
      (url) => url.pathname.startsWith('/tasks/') && !url.pathname.endsWith(id),
    );
    await sees('completed');
  });

  it('leads through the map of a fan-out with keys, and opens a child', async () => {
    const id = await muster('run', '-d', '-l', 'role=web', '--name', 'mapped', '--', 'true');
    await open(`/tasks/${id}?tab=children`);
    const map = page.getByRole('listbox', { name: /Map of the children: 2 completed/ });
    const current = map.getByRole('option');
    await map.waitFor();
    await map.focus();
    const steps = [];
    for (const key of ['Home', 'ArrowRight', 'ArrowRight', 'ArrowLeft', 'End']) {
      await page.keyboard.press(key);
      steps.push(await current.getAttribute('aria-posinset'));
    }
    expect(steps).toEqual(['1', '2', '2', '1', '2']);
    expect(await map.getAttribute('aria-activedescendant')).toBe(await current.getAttribute('id'));
    expect(await current.getAttribute('aria-label')).toMatch(/^web-\d, completed, exit code 0$/);
    const tip = page.getByRole('tooltip');
    await tip.getByText(/^web-\d$/).waitFor();
    await page.keyboard.press('Escape');
    await tip.waitFor({ state: 'detached' });
    await page.keyboard.press('Enter');
    await page.waitForURL(
      (url) => url.pathname.startsWith('/tasks/') && !url.pathname.endsWith(id),
    );
  });

  it('shows tasks as they come, finds them by a filter, and holds new ones back', async () => {
    await open('/tasks?state=failed');
    await open('/tasks');
    await sees('roll');
    await muster('run', '-d', '--name', 'just-now', '--', 'true');
    await press(/1 new/);
    await sees('just-now');
  });

  it('follows the list also where it is drawn late and for another reason', async () => {
    const late = await context.newPage();
    late.setDefaultTimeout(60_000);
    await late.addInitScript(() => {
      Object.assign(globalThis, {
        requestAnimationFrame: (draw: (at: number) => void) =>
          setTimeout(() => draw(performance.now()), 700),
        cancelAnimationFrame: (id: number) => clearTimeout(id),
      });
    });
    // The tasks come first, then what draws the screen again before the tasks do.
    const listed = late.waitForResponse(/ListTasks$/);
    await late.route(/ListNodes$/, async (route) => {
      await listed;
      await route.continue();
    });
    await late.goto(`${cluster.url}/tasks`);
    await late.getByText('roll').filter({ visible: true }).first().waitFor();
    await muster('run', '-d', '--name', 'later-on', '--', 'true');
    await late.getByRole('button', { name: /1 new/ }).first().click();
    await late.getByText('later-on').first().waitFor();
    await late.close();
  });

  it('shows live what becomes of the workers of a node', async () => {
    await open('/nodes/web-2');
    const row = page.getByRole('row', { name: /slot-0/ });
    await row.getByText('idle').waitFor();
    await muster('worker', 'stop', 'web-2/slot-0');
    await row.getByText('stopped').waitFor();
    await row.getByRole('button', { name: 'start slot-0' }).click();
    await row.getByText('idle').waitFor();
  });

  it('drains a node and gives it work again', async () => {
    await open('/nodes/db-1');
    await press(/^Drain/);
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /^Drain/ })
      .click();
    await sees(/drained/);
    await open('/nodes');
    await press(/^drained \d/);
    expect(new URL(page.url()).searchParams.get('state')).toBe('drained');
    const rows = page.getByRole('link', { name: /^(web|db)-\d$/ });
    await page.getByRole('link', { name: 'web-1', exact: true }).waitFor({ state: 'detached' });
    expect(await rows.allTextContents()).toEqual(['db-1']);
    await press(/^unreachable \d/);
    await sees('No node matches');
    expect(await muster('node', 'list', '--state', 'online,drained')).toMatch(/\ndb-1 .*drained/);
    await open('/nodes/db-1');
    await press('Resume');
    await sees(/online/);
    expect(await muster('node', 'get', 'db-1')).not.toContain('drained');
  });

  it('pauses a schedule, and resumes it', async () => {
    await muster('schedule', 'create', 'nightly', '--cron', '30 4 * * *', '--', 'true');
    await open('/schedules');
    await press(/^Pause/);
    await page.getByRole('dialog').getByRole('textbox').first().fill('waiting for a disk');
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /^Pause/ })
      .click();
    await sees('paused');
    expect(await muster('schedule', 'get', 'nightly')).toContain('waiting for a disk');
  });

  it('says that the supervisor is lost, and comes back by itself with what has happened', async () => {
    await open('/tasks');
    await sees('just-now');
    await cluster.kill('supervisor');
    await sees('Connection lost');
    await cluster.startSupervisor();
    await page.getByText('Connection lost').waitFor({ state: 'detached' });
    await cluster.online('web-1');
    await muster('run', '-d', '--name', 'after-all', '--', 'true');
    await press(/new/);
    await sees('after-all');
  });

  it('is accessible on each screen in both themes, fits a narrow window, and complains of nothing', {
    timeout: 2 * TIMEOUT_MS,
  }, async () => {
    const start = async (...args: string[]) =>
      await muster('run', '-d', '--name', 'shown', ...args);
    const task = `/tasks/${await start('--node', 'web-1', '--', 'echo', 'hello')}`;
    const fanOut = `/tasks/${await start('-l', 'role=web', '--', 'true')}`;
    const tabs = ['machine', 'output', 'attempts', 'spec'].map((tab) => `${task}?tab=${tab}`);
    const paths = ['/', '/login', '/tasks', task, ...tabs, fanOut, `${fanOut}?tab=children`];
    paths.push('/tasks/new', '/nodes', '/nodes/web-1', '/schedules', '/schedules/nightly');
    paths.push('/machines', '/machines/task', '/events');
    const nameOf = (path: string) =>
      path.replace(task, '/task').replace(fanOut, '/fan-out').replaceAll(/[/?=]/g, '-');
    const folder = process.env['MUSTER_SCREENSHOTS'];
    if (folder !== undefined) await mkdir(folder, { recursive: true });
    const faults: string[] = [];
    for (const theme of ['light', 'dark']) {
      await page.evaluate((name) => localStorage.setItem('muster.theme', name), theme);
      for (const path of paths) {
        await show(path);
        const name = `${theme}${nameOf(path)}`;
        const picture = await page.screenshot(
          folder === undefined ? {} : { path: join(folder, `${name}.png`) },
        );
        // A page that shows nothing is a smaller one.
        if (picture.length < 10_000) faults.push(`${name}: is empty`);
        // What is too long scrolls inside the page, below its head.
        const beyondPx = await page
          .locator('html')
          .evaluate(({ scrollHeight, clientHeight }) => scrollHeight - clientHeight);
        if (beyondPx > 0) faults.push(`${name}: the page is ${beyondPx} px longer than the window`);
        faults.push(...(await accessibilityFaults(name)));
      }
    }
    await page.setViewportSize({ width: 390, height: 844 });
    for (const path of paths) {
      await show(path);
      for (const part of ['html', 'main']) {
        const hiddenPx = await page
          .locator(part)
          .evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth);
        if (hiddenPx > 0) faults.push(`${path}: ${part} is ${hiddenPx} px too wide for 390`);
      }
    }
    expect(faults).toEqual([]);
    expect(complaints).toEqual([]);
  });
});

/** Opens a path and waits until what it is about is there. */
async function show(path: string): Promise<void> {
  await open(path);
  await page.locator('main h1, main table, main form').first().waitFor();
  const part = /tab=(\w+)/.exec(path)?.[1];
  // Parts of a task are fetched when they are shown.
  if (part === 'machine') await page.locator('main svg').first().waitFor();
  else if (part !== undefined) await page.locator('main section').first().waitFor();
  if (part === 'children') await page.getByRole('listbox').waitFor();
  await page.getByText('Reading the').first().waitFor({ state: 'hidden' });
}

/** What axe finds on the page that is open. Run in a world of its own: the page's policy lets no script of others in. */
async function accessibilityFaults(name: string): Promise<string[]> {
  const { readFile } = await import('node:fs/promises');
  const session = await context.newCDPSession(page);
  const { frameTree } = (await session.send('Page.getFrameTree')) as {
    frameTree: { frame: { id: string } };
  };
  const { executionContextId } = await session.send('Page.createIsolatedWorld', {
    frameId: frameTree.frame.id,
  });
  const expression = `${await readFile(AXE, 'utf8')};
    axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
      violations.flatMap(({ id, nodes }) => nodes.slice(0, 3).map(({ target }) => id + ': ' + target.join(' '))))`;
  const { result } = await session.send('Runtime.evaluate', {
    expression,
    contextId: executionContextId,
    awaitPromise: true,
    returnByValue: true,
  });
  await session.detach();
  return ((result.value as string[] | undefined) ?? ['axe did not run']).map(
    (fault) => `${name}: ${fault}`,
  );
}
