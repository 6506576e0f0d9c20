// Settings of a supervisor: where they come from, and what is said of bad ones.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isLoopback, readConfig } from './config.ts';
import { TEST_CERT, TEST_KEY } from './http/testing/test-server.ts';

const DATABASE = 'postgres://muster:a-password@db/muster';
let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'muster-config-'));
});
afterEach(() => rmSync(home, { recursive: true }));

const read = (flags: object = {}, environment: Record<string, string> = {}) =>
  readConfig({ home, ...flags }, { MUSTER_DATABASE_URL: DATABASE, ...environment });

it('has defaults, and is frozen', () => {
  const config = read();
  expect(config).toEqual({
    home,
    host: '127.0.0.1',
    port: 7070,
    databaseUrl: DATABASE,
    tls: null,
    logLevel: 'info',
    keepTasksMs: 30 * 86_400_000,
    keepOutputMs: null,
    keepHistoryMs: null,
    keepStatisticsMs: 400 * 86_400_000,
    maxOutputBytes: null,
    userToken: { kind: 'own_file', path: join(home, 'token') },
    agentToken: { kind: 'own_file', path: join(home, 'agent.token') },
    parent: undefined,
  });
  expect(Object.isFrozen(config)).toBe(true);
  expect(readConfig({}, { MUSTER_DATABASE_URL: DATABASE }).home).toBe(resolve('.muster'));
  expect(readConfig({}, { MUSTER_DATABASE_URL: DATABASE, MUSTER_HOME: home }).home).toBe(home);
});

it('takes flags over the environment over the file over the default', () => {
  const settings = { listen: '127.0.0.1:1', logLevel: 'debug' };
  writeFileSync(join(home, 'supervisor.json'), JSON.stringify(settings));
  expect(read()).toMatchObject({ port: 1, logLevel: 'debug' });
  const environment = { MUSTER_LISTEN: '127.0.0.2:2', MUSTER_LOG_LEVEL: 'warn' };
  expect(read({}, environment)).toMatchObject({ host: '127.0.0.2', port: 2, logLevel: 'warn' });
  const flags = { listen: '[::1]:3', logLevel: 'error' };
  expect(read(flags, environment)).toMatchObject({ host: '::1', port: 3, logLevel: 'error' });
  expect(read({ ...flags, port: 4 }, environment)).toMatchObject({ host: '::1', port: 4 });
  expect(read({ listen: '8080' })).toMatchObject({ host: '127.0.0.1', port: 8080 });
});

it('keeps output, history and statistics for times of their own, and output up to a size', () => {
  const environment = {
    MUSTER_KEEP_OUTPUT: '7d',
    MUSTER_KEEP_HISTORY: '48h',
    MUSTER_KEEP_STATISTICS: '800d',
    MUSTER_OUTPUT_MAX_BYTES: '20GiB',
  };
  expect(read({}, environment)).toMatchObject({
    keepOutputMs: 7 * 86_400_000,
    keepHistoryMs: 2 * 86_400_000,
    keepStatisticsMs: 800 * 86_400_000,
    maxOutputBytes: 20 * 2 ** 30,
  });
  expect(read({ outputMaxBytes: 'none', keepOutput: 'forever' }, environment)).toMatchObject({
    keepOutputMs: null,
    maxOutputBytes: null,
  });
  expect(() => read({ keepHistory: '5m', outputMaxBytes: '20GB' })).toThrow(
    'history is to be kept for 5m; it must be hours or days, such as 12h or 30d, or forever; ' +
      'also: the output of all tasks may take 20GB; it must be a whole number of MiB, GiB or TiB',
  );
});

it('keeps tasks for hours, days or ever', () => {
  expect(read({}, { MUSTER_KEEP_TASKS: '12h' }).keepTasksMs).toBe(12 * 3_600_000);
  expect(read({ keepTasks: '90d' }, { MUSTER_KEEP_TASKS: '1h' }).keepTasksMs).toBe(90 * 86_400_000);
  expect(read({ keepTasks: 'forever' }).keepTasksMs).toBeNull();
  for (const keepTasks of ['0d', '30', '5m', '-1d', 'never']) {
    expect(() => read({ keepTasks })).toThrow(
      `Cannot start the supervisor: tasks are to be kept for ${keepTasks}; it must be hours or days, such as 12h or 30d, or forever`,
    );
  }
});

it('takes secrets from the environment or from files', () => {
  const path = join(home, 'url');
  writeFileSync(path, `${DATABASE}\n`);
  const config = readConfig(
    { home },
    {
      MUSTER_DATABASE_URL_FILE: path,
      MUSTER_TOKEN: 'a-token-of-some-length',
      MUSTER_AGENT_TOKEN_FILE: '/run/secrets/agent',
    },
  );
  expect(config.databaseUrl).toBe(DATABASE);
  expect(config.userToken).toMatchObject({ kind: 'value', name: 'MUSTER_TOKEN' });
  expect(config.agentToken).toEqual({ kind: 'file', path: '/run/secrets/agent' });
});

describe('an address that others can reach', () => {
  const refusal =
    'Cannot start the supervisor: 0.0.0.0 can be reached by others and there is no TLS; give --tls-cert and --tls-key, listen on 127.0.0.1, or allow it with --insecure-listen';
  const listen = '0.0.0.0:7070';

  it('needs TLS or a flag', () => {
    expect(() => read({ listen })).toThrow(refusal);
    expect(read({ listen, insecureListen: true }).host).toBe('0.0.0.0');
    expect(read({ listen }, { MUSTER_INSECURE_LISTEN: '1' }).host).toBe('0.0.0.0');
    expect(() => read({ listen }, { MUSTER_INSECURE_LISTEN: '0' })).toThrow(refusal);
    const tlsCert = join(home, 'cert.pem');
    const tlsKey = join(home, 'key.pem');
    writeFileSync(tlsCert, TEST_CERT);
    writeFileSync(tlsKey, TEST_KEY);
    expect(read({ listen, tlsCert, tlsKey }).tls).toEqual({ cert: TEST_CERT, key: TEST_KEY });
  });

  it('is told from one that only this machine can reach', () => {
    expect(['127.0.0.1', '127.1.2.3', '::1', 'localhost'].every(isLoopback)).toBe(true);
    expect(['0.0.0.0', '::', '10.0.0.1', 'host', '127.evil.example'].some(isLoopback)).toBe(false);
  });
});

it('names every fault in one message, and no secret', () => {
  writeFileSync(join(home, 'supervisor.json'), '{"colour": "red"}');
  const flags = { listen: 'nonsense', port: '99999', logLevel: 'loud', tlsCert: '/nowhere/cert' };
  expect(() => readConfig({ home, ...flags }, {})).toThrow(
    [
      `Cannot start the supervisor: ${home}/supervisor.json has colour; the settings are listen, port, databaseUrl, tlsCert, tlsKey, insecureListen, logLevel, keepTasks, keepOutput, keepHistory, keepStatistics, outputMaxBytes`,
      'the listen address is nonsense; it must be HOST:PORT, for example 127.0.0.1:7070',
      'the port is 99999; it must be from 0 to 65535',
      'the key (--tls-key) is missing; TLS takes both files',
      'the log level is loud; it must be one of debug, info, warn, error, silent',
      'there is no database; set MUSTER_DATABASE_URL or MUSTER_DATABASE_URL_FILE, or use ./muster up, which brings its own',
    ].join('; also: '),
  );
});
