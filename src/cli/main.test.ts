// The command line as a whole: help, mistakes, and what is said when no supervisor answers.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NodeService } from '../../proto/gen/muster/v1/node_service_pb.ts';
import { VERSION } from '../process/version.ts';
import { muster, startMuster } from './testing/command.ts';
import { ScriptedSupervisor } from './testing/scripted-supervisor.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-cli-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('help', () => {
  test('is on stdout and a success', async () => {
    const result = await muster(undefined, ['--help']);
    expect(result).toMatchObject({ code: 0, stderr: '' });
    for (const name of ['up', 'run', 'task', 'node', 'supervisor', 'agent', 'version']) {
      expect(result.stdout.toString()).toMatch(new RegExp(`^  ${name} {2}`, 'm'));
    }
  });

  test('that nobody reads any more ends quietly', async () => {
    const running = startMuster(undefined, ['--help']);
    running.child.stdout?.destroy();
    const { stderr } = await running.result;
    expect(stderr).toBe('');
  });

  test('of every command has examples', async () => {
    const commands = [
      'list',
      'get',
      'watch',
      'logs',
      'execute',
      'cancel',
      'retry',
      'resolve',
      'delete',
    ];
    commands.push('history', 'verify', 'stats', 'wait');
    const all = commands.map((name) => ['task', name]);
    all.push(
      ['node', 'list'],
      ['node', 'get'],
      ['run'],
      ['version'],
      ['up'],
      ['supervisor'],
      ['agent'],
    );
    const results = await Promise.all(
      all.map((command) => muster(undefined, [...command, '--help'])),
    );
    for (const [index, result] of results.entries()) {
      expect(result, all[index]?.join(' ')).toMatchObject({ code: 0, stderr: '' });
      expect(result.stdout.toString().match(/^  # /gm)?.length).toBeGreaterThanOrEqual(2);
    }
  });

  test('without a command is on stderr and a mistake', async () => {
    const result = await muster(undefined, []);
    expect(result.code).toBe(2);
    expect(result.stdout.toString()).toBe('');
    expect(result.stderr).toContain('Usage: muster');
  });
});

describe('a mistake is one line with the right word, and 2', () => {
  test.each([
    [['tsak', 'list'], "muster: unknown command 'tsak'; did you mean task?\n"],
    [['task', 'lits'], "muster: unknown command 'lits'; did you mean list?\n"],
    [['task', 'list', '--stat', 'x'], "muster: unknown option '--stat'; did you mean --state?\n"],
    [['task', 'get'], "muster: missing required argument 'id'\n"],
    [
      ['task', 'list', '-o', 'yaml'],
      "muster: --output: 'yaml' is no output form; there are table, json, jsonl\n",
    ],
    [
      ['task', 'list', '--state', 'done'],
      "muster: --state: 'done' is none of pending, running, completed, failed, timeout, cancelled\n",
    ],
    [['agent', '--node', 'x'], "muster: required option '--server <url>' not specified\n"],
  ])('%j', async (args, stderr) => {
    const result = await muster(undefined, args);
    expect({ ...result, stdout: result.stdout.toString() }).toEqual({
      code: 2,
      stdout: '',
      stderr,
    });
  });
});

test('version tells the version and the runtime', async () => {
  expect((await muster(undefined, ['--version'])).stdout.toString()).toBe(`${VERSION}\n`);
  const json = await muster(undefined, ['version', '-o', 'json']);
  expect(JSON.parse(json.stdout.toString())).toMatchObject({
    version: VERSION,
    runtime: 'deno' in process.versions ? 'deno' : 'node',
  });
});

describe('without a supervisor', () => {
  test('nothing in the data folder: how to start one', async () => {
    const result = await muster(undefined, ['task', 'list'], { env: { MUSTER_HOME: folder } });
    expect(result.code).toBe(1);
    expect(result.stderr).toBe(
      `muster: no supervisor is known: there is no ${folder}/address; start one with: ./muster up, or name one with --server or MUSTER_SERVER\n`,
    );
  });

  test('no token', async () => {
    writeFileSync(join(folder, 'address'), 'http://127.0.0.1:1');
    const result = await muster(undefined, ['task', 'list'], { env: { MUSTER_HOME: folder } });
    expect(result.code).toBe(1);
    expect(result.stderr).toContain(`no token is known: there is no ${folder}/token`);
  });

  test('nobody listens: the address, and no stack unless it is asked for', async () => {
    const env = { MUSTER_TOKEN: 'x', MUSTER_SERVER: 'http://127.0.0.1:1' };
    const result = await muster(undefined, ['node', 'list'], { env });
    expect(result.code).toBe(1);
    expect(result.stderr).toBe(
      'muster: cannot reach the supervisor at http://127.0.0.1:1: connection refused; is it running? start one with: ./muster up\n',
    );
    const debug = await muster(undefined, ['node', 'list'], { env: { ...env, MUSTER_DEBUG: '1' } });
    expect(debug.stderr).toMatch(/ECONNREFUSED[\s\S]*\n +at /);
  });

  test('something else listens', async () => {
    const server = createHttpServer((_request, response) => response.end('hello'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const env = { MUSTER_TOKEN: 'x', MUSTER_SERVER: url };
    const result = await muster(undefined, ['task', 'list'], { env });
    server.closeAllConnections();
    server.close();
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/^muster: .*http:\/\/127\.0\.0\.1:\d+.*\n$/);
  });
});

describe('with a supervisor', () => {
  let supervisor: ScriptedSupervisor;
  beforeEach(async () => {
    supervisor = new ScriptedSupervisor();
    await supervisor.start();
  });
  afterEach(() => supervisor.destroy());

  test('a wrong token is told with the place it came from', async () => {
    writeFileSync(join(folder, 'token'), 'wrong');
    const file = join(folder, 'token');
    const env = { MUSTER_SERVER: supervisor.url };
    const result = await muster(undefined, ['task', 'list', '--token-file', file], { env });
    expect(result.code).toBe(1);
    expect(result.stderr).toBe(
      `muster: the supervisor at ${supervisor.url} did not accept the token from ${file}: the token is wrong\n`,
    );
  });

  test('the .muster of the current folder is enough', async () => {
    mkdirSync(join(folder, '.muster'));
    writeFileSync(join(folder, '.muster', 'address'), `${supervisor.url}\n`);
    writeFileSync(join(folder, '.muster', 'token'), 'test-token\n');
    const result = await muster(undefined, ['task', 'list', '-o', 'json'], { cwd: folder });
    expect(result).toMatchObject({ code: 0, stderr: '' });
  });
});

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

test.skipIf(!hasOpenssl)('MUSTER_CA_FILE makes a private certificate trusted', async () => {
  const files = { key: join(folder, 'key.pem'), cert: join(folder, 'cert.pem') };
  const args = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '2',
  ];
  args.push('-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1');
  execFileSync('openssl', [...args, '-keyout', files.key, '-out', files.cert], { stdio: 'ignore' });
  const server = createSecureServer(
    { key: readFileSync(files.key), cert: readFileSync(files.cert) },
    connectNodeAdapter({
      routes: (router) =>
        router.service(NodeService, { listNodes: () => ({ nodes: [{ id: 'a' }] }) }),
    }),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `https://localhost:${(server.address() as AddressInfo).port}`;
  const env = { MUSTER_TOKEN: 'x', MUSTER_SERVER: url };
  const untrusted = await muster(undefined, ['node', 'list'], { env });
  const trusted = await muster(undefined, ['node', 'list', '-o', 'jsonl'], {
    env: { ...env, MUSTER_CA_FILE: files.cert },
  });
  server.close();
  expect(untrusted.code).toBe(1);
  expect(untrusted.stderr).toContain('MUSTER_CA_FILE');
  expect(untrusted.stderr.trim().split('\n')).toHaveLength(1);
  expect(trusted.stderr).toBe('');
  expect(JSON.parse(trusted.stdout.toString())).toMatchObject({ id: 'a' });
});
