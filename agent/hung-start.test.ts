// A start that hangs on a real agent: looking up the user to run as does not return.

import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nameOf } from './attempt-record.ts';
import { keyOf, startOf } from './testing/starts.ts';
import { TestSupervisor } from './testing/supervisor.ts';
import { TestAgent } from './testing/test-agent.ts';

const isLinuxRoot = process.platform === 'linux' && process.getuid?.() === 0;
const PATH = process.env['PATH'];

let folder: string;
let supervisor: TestSupervisor;
let agent: TestAgent;
let log: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'muster-hung-'));
  // A directory service that answers once `folder/up` is there, and says that it has.
  const getent = `#!/bin/sh
echo >${folder}/asked
until [ -e ${folder}/up ]; do sleep 0.02; done
echo 'nobody:x:65534:65534:nobody:/tmp:/bin/sh'
echo >${folder}/answered
`;
  writeFileSync(join(folder, 'getent'), getent);
  chmodSync(join(folder, 'getent'), 0o755);
  chmodSync(folder, 0o777);
  supervisor = await TestSupervisor.start();
  agent = await TestAgent.create(supervisor);
  process.env['PATH'] = `${folder}:${PATH}`;
  log = '';
  agent.spawn('--slots', '1').stderr?.on('data', (bytes: Buffer) => (log += bytes.toString()));
  process.env['PATH'] = PATH;
  await supervisor.online();
});

afterEach(async () => {
  writeFileSync(join(folder, 'up'), '');
  await agent.dispose();
  await supervisor.die();
  rmSync(folder, { recursive: true });
});

describe.skipIf(!isLinuxRoot)('an attempt whose start hangs', () => {
  it.each([
    ['is cancelled', 'cancel', 60_000],
    ['ends as timeout', 'timeout', 1_000],
  ])('%s, lets its worker go, and never runs afterwards (I2, I9)', async (_, cause, timeoutMs) => {
    const start = startOf(`touch ${folder}/ran`, { user: 'nobody' }, { timeoutMs });
    supervisor.start(start);
    await expect.poll(() => existsSync(join(folder, 'asked')), { timeout: 20_000 }).toBe(true);
    if (cause === 'cancel') supervisor.stop(keyOf(start));
    const attempt = await supervisor.over(start);
    expect(attempt.started).toEqual([]);
    expect(attempt.exited).toMatchObject([{ stopCause: cause }]);
    expect(attempt.exited[0]?.spawnError).toMatch(
      /^cannot start it on node web-1: the start has not/,
    );
    supervisor.forget(keyOf(start));
    const its = join(agent.folder, 'attempts', nameOf(keyOf(start)));
    await expect.poll(() => existsSync(its), { timeout: 20_000 }).toBe(false);
    writeFileSync(join(folder, 'up'), '');
    await expect.poll(() => existsSync(join(folder, 'answered')), { timeout: 20_000 }).toBe(true);
    // The only worker is free, and everything before has had its turn.
    for (let round = 0; round < 3; round += 1) {
      const next = startOf('exit 0', { user: 'nobody' });
      supervisor.start(next);
      expect((await supervisor.over(next)).exited).toMatchObject([{ exitCode: 0 }]);
    }
    expect(existsSync(join(folder, 'ran'))).toBe(false);
    expect(log).toContain('a start does not return and is given up');
    expect(log).not.toContain('has started something');
  });
});
