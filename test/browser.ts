/**
 * A real browser for tests of the console: the Chromium or Chrome of this machine, headless, with nothing kept between runs.
 */
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';

const PLACES = [
  process.env['MUSTER_TEST_BROWSER'] ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts the browser. @throws Error that says how to get one */
export async function openBrowser(): Promise<Browser> {
  const executablePath = PLACES.find((place) => place !== '' && existsSync(place));
  if (executablePath === undefined) {
    throw new Error(
      'Cannot test the console: there is no Chromium or Chrome; install one (apt-get install chromium), or name one in MUSTER_TEST_BROWSER',
    );
  }
  return await chromium.launch({ executablePath, args: FLAGS });
}
