/**
 * The console in a real browser, against a real supervisor, real agents and a real PostgreSQL: log-in, create, watch, read live output,
 * travel in time, cancel, retry what failed of a fan-out, drain, pause a schedule, lose and regain the supervisor.
 *
 * On Node only: what runs in the browser is the same, and the supervisor's side of it has tests of its own on both runtimes.
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

describe.skipIf(runtimeName() === 'deno')('the console', () => {
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
  }, TIMEOUT_MS);

  afterAll(async () => {
    await browser?.close();
    await cluster?.stop();
  }, TIMEOUT_MS);

  it(
    'asks for the token once, refuses a wrong one, and comes back to where one wanted to go',
    async () => {
      await page.goto(`${cluster.url}/nodes`);
      await page.getByLabel('User token').fill('wrong');
      await page.getByRole('button', { name: 'Log in' }).click();
      await page.getByText('this is not the user token').waitFor();
      await page.getByLabel('User token').fill(await cluster.token());
      await page.getByRole('button', { name: 'Log in' }).click();
      await page.getByRole('heading', { name: 'Nodes' }).waitFor();
      expect(new URL(page.url()).pathname).toBe('/nodes');
      const [cookie] = await context.cookies();
      expect(cookie).toMatchObject({ name: 'muster_session', httpOnly: true, sameSite: 'Strict' });
      await page.getByText('web-1').first().waitFor();
    },
    TIMEOUT_MS,
  );
});
