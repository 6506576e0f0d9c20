/**
 * A page of the console for a benchmark: a real browser that has logged in, and what the recorder in it has seen.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { openBrowser } from '../test/browser.ts';
import { installRecorder, type Recorder, type Sight } from './console-recorder.ts';
import type { BenchMuster } from './muster.ts';

const VIEWPORT = { width: 1440, height: 900 };

export class ConsolePage {
  readonly #browser: Browser;
  readonly #page: Page;
  readonly #url: string;

  private constructor(browser: Browser, page: Page, url: string) {
    this.#browser = browser;
    this.#page = page;
    this.#url = url;
  }

  static async open({ url, home }: BenchMuster): Promise<ConsolePage> {
    const browser = await openBrowser();
    const context = await browser.newContext({ viewport: VIEWPORT });
    const token = (await readFile(join(home, 'token'), 'utf8')).trim();
    const options = { data: { token }, headers: { origin: url } };
    const answer = await context.request.post(`${url}/console/login`, options);
    if (!answer.ok()) throw new Error(`Cannot log in: ${await answer.text()}`);
    await context.addInitScript(installRecorder);
    return new ConsolePage(browser, await context.newPage(), url);
  }

  /** For example Chromium 142.0.7444.134. */
  get version(): string {
    return `Chromium ${this.#browser.version()}`;
  }

  /** Opens a path and waits until it shows a text. */
  async show(path: string, text: string | RegExp): Promise<void> {
    await this.#page.goto(this.#url + path);
    await this.sees(text);
  }

  async sees(text: string | RegExp): Promise<void> {
    await this.#page.getByText(text).filter({ visible: true }).first().waitFor();
  }

  async watch(): Promise<void> {
    await this.#page.evaluate(() => (globalThis as unknown as Recorded).recorder.watch());
  }

  take(): Promise<Sight[]> {
    return this.#page.evaluate(() => (globalThis as unknown as Recorded).recorder.take());
  }

  /** Returns how long each frame took, in ms, for so long. */
  frames(ms: number): Promise<number[]> {
    return this.#page.evaluate(
      (given) => (globalThis as unknown as Recorded).recorder.frames(given),
      ms,
    );
  }

  /** Scrolls the list of tasks down and returns how long each frame took, in ms. */
  scroll(toPx: number, stepPx: number): Promise<number[]> {
    return this.#page.evaluate(
      ([to, step]) => (globalThis as unknown as Recorded).recorder.scroll(to, step),
      [toPx, stepPx] as const,
    );
  }

  /** What the JavaScript of the page holds, after a collection. */
  async readHeapMiB(): Promise<number> {
    const session = await this.#page.context().newCDPSession(this.#page);
    await session.send('HeapProfiler.collectGarbage');
    const { usedSize } = await session.send('Runtime.getHeapUsage');
    await session.detach();
    return usedSize / 2 ** 20;
  }

  async close(): Promise<void> {
    await this.#browser.close();
  }
}

interface Recorded {
  readonly recorder: Recorder;
}
