// Settings of an agent: what they are by default, and every fault in one sentence.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readConfig } from './config.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-config-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

const FLAGS = { server: 'http://127.0.0.1:7070/', node: 'web-1' };
const token = { MUSTER_AGENT_TOKEN: 'a-token-of-sixteen-or-more' };

describe('readConfig', () => {
  it('fills in defaults and freezes', () => {
    const config = readConfig(FLAGS, { ...token, MUSTER_HOME: folder });
    expect(config).toMatchObject({
      serverUrl: 'http://127.0.0.1:7070',
      nodeId: 'web-1',
      labels: {},
      dataFolder: join(folder, 'web-1'),
      agentToken: token.MUSTER_AGENT_TOKEN,
      ca: null,
      logLevel: 'info',
    });
    expect(config.slots).toBeGreaterThanOrEqual(4);
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('takes what flags say', () => {
    const flags = { ...FLAGS, label: ['role=web', 'a.b/zone='], slots: '7', data: folder };
    expect(readConfig(flags, token)).toMatchObject({
      labels: { role: 'web', 'a.b/zone': '' },
      slots: 7,
      dataFolder: folder,
    });
  });

  it('finds the agent token in the named file, else in the data folder of Muster', () => {
    writeFileSync(join(folder, 'mine'), 'from the named file\n');
    writeFileSync(join(folder, 'agent.token'), 'from the home\n');
    const home = { MUSTER_HOME: folder };
    expect(readConfig(FLAGS, home).agentToken).toBe('from the home');
    const named = { ...home, MUSTER_AGENT_TOKEN_FILE: join(folder, 'mine') };
    expect(readConfig(FLAGS, named).agentToken).toBe('from the named file');
  });

  it('takes allowed paths from flags, else from the environment, and absolute ones only', () => {
    const environment = { ...token, MUSTER_ALLOWED_PATHS: '/srv/www/:/etc/app' };
    expect(readConfig(FLAGS, token).allowedPaths).toEqual([]);
    expect(readConfig(FLAGS, environment).allowedPaths).toEqual(['/srv/www', '/etc/app']);
    const flags = { ...FLAGS, allowPath: ['/opt'] };
    expect(readConfig(flags, environment).allowedPaths).toEqual(['/opt']);
    expect(() => readConfig({ ...FLAGS, allowPath: ['srv'] }, token)).toThrow(
      'the allowed path "srv" is not absolute; it must be like /srv',
    );
  });

  it('needs no agent token on a host that has enrolled', () => {
    expect(() => readConfig({ ...FLAGS, data: folder }, { MUSTER_HOME: folder })).toThrow(
      /the agent token cannot be read/,
    );
    writeFileSync(join(folder, 'node.token'), 'x');
    expect(readConfig({ ...FLAGS, data: folder }, { MUSTER_HOME: folder }).agentToken).toBeNull();
  });

  it('gives scripts nothing that begins with MUSTER_', () => {
    const { scriptEnvironment } = readConfig(FLAGS, { ...token, MUSTER_TOKEN: 's', PATH: '/bin' });
    expect(scriptEnvironment).toEqual({ PATH: '/bin' });
  });

  it('names every fault in one sentence, and no token', () => {
    const flags = {
      server: 'ftp://x',
      node: '-bad',
      label: ['=x', 'no'],
      slots: 0,
      logLevel: 'loud',
    };
    const environment = { ...token, MUSTER_CA_FILE: '/no/such' };
    let message = '';
    try {
      readConfig(flags, environment);
    } catch (cause) {
      message = (cause as Error).message;
    }
    expect(message).toMatch(/^Cannot start the agent: the node id is "-bad"/);
    const parts = ["supervisor's URL", '"=x"', '"no"', 'slots is 0', 'MUSTER_CA_FILE', 'loud'];
    for (const part of parts) expect(message).toContain(part);
    expect(message).not.toContain(token.MUSTER_AGENT_TOKEN);
    expect(() => readConfig({}, token)).toThrow(/--node.*--server/);
  });
});
