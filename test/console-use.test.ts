/**
 * The console as people use it, in a real browser against a real supervisor: pages over plain HTTP, dialogs and the keys behind them,
 * addresses that ask for what there is not, sessions that end.
 *
 * On Node only: what runs in the browser is the same.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { runtimeName } from '../src/process/runtime.ts';
import { openBrowser } from './browser.ts';
import { Cluster } from './cluster.ts';

const TIMEOUT_MS = 120_000;

let cluster: Cluster;
let browser: Browser;
let context: BrowserContext;
let page: Page;

const muster = async (...args: string[]) =>
  (await cluster.muster(...args)).stdout.toString().trim();
const open = (path: string) => page.goto(`${cluster.url}${path}`);
const button = (name: string | RegExp) => page.getByRole('button', { name }).first();
const sees = (text: string | RegExp) =>
  page.getByText(text).filter({ visible: true }).first().waitFor();

async function logIn(where: Page): Promise<void> {
  await where.getByLabel('User token').fill(await cluster.token());
  await where.getByRole('button', { name: 'Log in' }).click();
}

describe.skipIf(runtimeName() === 'deno')('the console in use', { timeout: TIMEOUT_MS }, () => {
  beforeAll(async () => {
    cluster = await Cluster.create();
    await cluster.startSupervisor();
    await cluster.startAgent('web-1');
    await cluster.online('web-1');
    browser = await openBrowser();
    context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    page = await context.newPage();
    page.setDefaultTimeout(60_000);
    await open('/login');
    await logIn(page);
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
  }, TIMEOUT_MS);

  afterAll(async () => {
    await browser?.close();
    await cluster?.stop();
  }, TIMEOUT_MS);

  it('acts on many tasks and copies where the browser holds back what is for secure pages', async () => {
    for (const name of ['one', 'two']) await muster('run', '--name', name, '--', 'true');
    const plain = await context.newPage();
    plain.setDefaultTimeout(60_000);
    // What a page that came over plain HTTP from another host finds.
    await plain.addInitScript(() => {
      Object.defineProperty(crypto, 'randomUUID', { value: undefined });
      Object.defineProperty(navigator, 'clipboard', { value: undefined });
    });
    await plain.goto(`${cluster.url}/tasks`);
    await plain.getByRole('link', { name: 'one' }).waitFor();
    await plain.getByRole('link', { name: 'two' }).waitFor();
    await plain.getByLabel('Select all loaded tasks').check();
    await plain.getByRole('button', { name: 'Retry…' }).click();
    await plain.getByRole('button', { name: /^Retry 2$/ }).click();
    await plain.getByText('2 of 2 created anew').waitFor();
    await plain.getByRole('button', { name: 'Close' }).click();
    await plain.getByRole('link', { name: 'one' }).first().click();
    await plain.getByRole('button', { name: 'Copy the id' }).click();
    await plain.getByText('Copied', { exact: true }).waitFor();
    await plain.close();
  });

  it('keeps keys from the screen behind a question, which Enter leaves alone, and gives the focus back', async () => {
    const id = await muster('run', '-d', '--hold', '--name', 'held', '--', 'true');
    await open('/tasks?state=pending');
    await page.getByRole('link', { name: 'held' }).click();
    const cancel = page.getByRole('button', { name: 'Cancel', exact: true });
    const question = page.getByRole('alertdialog');
    const focused = () => page.locator(':focus').textContent();
    await cancel.click();
    expect(await focused()).toBe('Leave it');
    for (const key of ['[', ']', 'g', 't', '?']) await page.keyboard.press(key);
    expect(new URL(page.url()).pathname).toBe(`/tasks/${id}`);
    expect(await page.getByRole('dialog').count()).toBe(0);
    await page.keyboard.press('Enter');
    await question.waitFor({ state: 'detached' });
    expect(await focused()).toBe('Cancel');
    await cancel.click();
    await page.keyboard.press('Escape');
    await question.waitFor({ state: 'detached' });
    expect(await focused()).toBe('Cancel');
    expect(await muster('task', 'get', id)).toContain('pending.held');
    await open('/nodes/web-1');
    const drain = page.getByRole('button', { name: /^Drain/ });
    await drain.click();
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await focused()).toMatch(/^Drain/);
  });

  it('goes on in as many tabs as one likes, and shows what happened when one comes back to a tab', async () => {
    await muster('run', '--name', 'seen', '--', 'true');
    const tabs: Page[] = [];
    for (let at = 0; at < 8; at += 1) {
      const tab = await context.newPage();
      tab.setDefaultTimeout(60_000);
      // A browser without a window shows all of its pages: these are told that somebody sees another one.
      await tab.addInitScript({
        content: `let isHidden = true;
          Object.defineProperty(document, 'hidden', { get: () => isHidden });
          addEventListener('seen', () => {
            isHidden = false;
            document.dispatchEvent(new Event('visibilitychange'));
          });`,
      });
      await tab.goto(`${cluster.url}/tasks`);
      await tab.getByRole('grid').waitFor();
      tabs.push(tab);
    }
    await muster('run', '--name', 'unseen', '--', 'true');
    await tabs[0]?.locator('html').dispatchEvent('seen');
    await tabs[0]?.getByRole('button', { name: /1 new/ }).click();
    await tabs[0]?.getByRole('link', { name: 'unseen' }).waitFor();
    for (const tab of tabs) await tab.close();
  });

  it('says what of an address it leaves out, and goes on without it', async () => {
    await open('/tasks?state=bogus&nodes=web-1&type=script');
    await sees(/not “bogus”/);
    await sees(/not found by “nodes”/);
    await button('Go on without it').click();
    await page.getByText('“bogus”').waitFor({ state: 'detached' });
    expect(new URL(page.url()).search).toBe('?type=script');
  });

  it('offers the output as a file, within the content security policy', async () => {
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) complaints.push(message.text());
    });
    const id = await muster('run', '-d', '--name', 'printed', '--', 'echo', 'hello');
    await open(`/tasks/${id}?tab=output`);
    await sees('1 line');
    await button(/^Download/).click();
    const saved = page.waitForEvent('download');
    await page.getByRole('menuitem', { name: /^stdout/ }).click();
    expect((await saved).suggestedFilename()).toContain(id.slice(-12));
    expect(complaints).toEqual([]);
  });

  it('shows the times of a new schedule in the zone that they are meant in', async () => {
    await open('/schedules');
    await page.getByRole('link', { name: 'New schedule' }).click();
    await page.getByRole('textbox', { name: 'Cron' }).fill('30 2 * * *');
    await page.getByLabel('Time zone').fill('Asia/Kathmandu');
    const times = page.getByRole('listitem').filter({ hasText: ' 02:30:00' });
    await times.nth(4).waitFor();
    await sees('Asia/Kathmandu');
  });

  it('shows what a typed condition has found, and offers more when asked', async () => {
    await open('/tasks');
    await page.getByRole('grid').waitFor();
    await page.keyboard.press('/');
    const offers = page.getByRole('listbox', { name: 'Conditions' });
    await page.keyboard.type('state:comp');
    await offers.getByRole('option', { name: 'state:completed' }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await offers.waitFor({ state: 'detached' });
    expect(new URL(page.url()).search).toBe('?state=completed');
    await page.keyboard.press('ArrowDown');
    await offers.waitFor();
  });

  it('says that nothing needs attention once everything was looked at, not before', async () => {
    let answer = () => {};
    const isAnswered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    await page.route(/ListWorkers$/, async (route) => {
      await isAnswered;
      await route.continue();
    });
    await open('/');
    await page.getByRole('link', { name: /^pending/ }).waitFor();
    await sees('Looking …');
    expect(await page.getByText('Nothing: every node').count()).toBe(0);
    answer();
    await sees('Nothing: every node');
    await page.unroute(/ListWorkers$/);
  });

  it('waits with a screen that it has not loaded yet while the supervisor is away, and reads all anew', async () => {
    await open('/');
    await sees('Needs attention');
    await cluster.kill('supervisor');
    await sees('Connection lost');
    await sees('The supervisor cannot be reached');
    // It asks whether the supervisor is back, and stays what it is until then.
    const asks = page.waitForRequest(/console\/session$/);
    await page.getByRole('link', { name: 'Events' }).click();
    await asks;
    await sees('Connection lost');
    await cluster.startSupervisor();
    await page.getByText('Connection lost').waitFor({ state: 'detached' });
    await page.getByRole('heading', { name: 'Events' }).waitFor({ state: 'attached' });
    await page.getByRole('link', { name: 'Overview' }).click();
    await sees('Needs attention');
    await page.getByText('The supervisor cannot be reached').waitFor({ state: 'detached' });
  });

  it('leaves in every tab at a log-out, and comes back to where one was', async () => {
    const other = await context.newPage();
    other.setDefaultTimeout(60_000);
    await other.goto(`${cluster.url}/schedules`);
    await other.getByRole('heading', { name: 'Schedules' }).waitFor();
    await open('/nodes/web-1');
    await page.getByRole('heading', { name: 'web-1' }).waitFor();
    await other.getByRole('button', { name: 'Log out' }).click();
    await page.getByLabel('User token').waitFor();
    await page.goBack();
    await page.getByLabel('User token').waitFor();
    await page.goForward();
    await logIn(page);
    await page.getByRole('heading', { name: 'web-1' }).waitFor();
    // A session that is over is noticed by several calls at once, once one has gone on to another screen.
    let answer = () => {};
    const isElsewhere = new Promise<void>((resolve) => {
      answer = resolve;
    });
    await page.route(/\/muster\.v1\./, async (route) => {
      await isElsewhere;
      await route.continue();
    });
    await context.clearCookies();
    await page.getByRole('link', { name: 'Tasks', exact: true }).click();
    await page.waitForURL('**/tasks');
    answer();
    await page.getByLabel('User token').waitFor();
    await page.unroute(/\/muster\.v1\./);
    await logIn(page);
    await page.getByRole('grid').waitFor();
    await other.close();
  });
});
