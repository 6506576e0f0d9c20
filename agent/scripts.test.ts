// Real scripts on a real agent in this process, through a real stream: what runs, what is captured, how it ends.

import { readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Interpreter } from '../proto/gen/muster/v1/task_pb.ts';
import { listGroup } from './executors/process-table.ts';
import { findProgram } from './executors/script/program.ts';
import { nameOf } from './attempt-record.ts';
import { TRIM_STEP_BYTES } from './output-trimmer.ts';
import { canPunchHoles } from './testing/holes.ts';
import type { ReportedAttempt } from './testing/reported-attempt.ts';
import { keyOf, type StartInit, startArgv, startOf } from './testing/starts.ts';
import { TestSupervisor } from './testing/supervisor.ts';
import { scriptPath, TestAgent } from './testing/test-agent.ts';

const isLinuxRoot = process.platform === 'linux' && process.getuid?.() === 0;

const hasDeno = findProgram('deno', { PATH: scriptPath() }) !== null;

let supervisor: TestSupervisor;
let agent: TestAgent;

beforeAll(async () => {
  supervisor = await TestSupervisor.start();
  agent = await TestAgent.create(supervisor);
  agent.start();
  await supervisor.online();
});

afterAll(async () => {
  await agent.dispose();
  await supervisor.die();
});

/** Runs to the end, and lets the attempt go. */
async function run(start: StartInit): Promise<ReportedAttempt> {
  supervisor.start(start);
  const attempt = await supervisor.over(start);
  supervisor.forget(keyOf(start));
  return attempt;
}

/** The end of an attempt that has one. */
async function exitOf(start: StartInit) {
  return (await run(start)).exited[0];
}

async function whenStarted(start: StartInit): Promise<number> {
  supervisor.start(start);
  await supervisor.until(() => supervisor.of(start).started.length > 0, 'the start');
  return supervisor.of(start).started[0]?.pid ?? 0;
}

async function whenPrinted(start: StartInit, text: string): Promise<number> {
  const pid = await whenStarted(start);
  await supervisor.until(() => supervisor.of(start).stdout.includes(text), text);
  return pid;
}

describe('a script', () => {
  it('succeeds, with its times in order', async () => {
    const attempt = await run(startOf('echo hello'));
    expect(attempt.stdout.toString()).toBe('hello\n');
    expect(attempt.exited).toHaveLength(1);
    expect(attempt.exited[0]).toMatchObject({
      exitCode: 0,
      signal: '',
      stopCause: '',
      spawnError: '',
    });
    const { acceptedAt, startedAt, exitedAt } = attempt.exited[0]!;
    const times = [acceptedAt, startedAt, exitedAt].map(
      (at) => Number(at!.seconds) * 1e9 + at!.nanos,
    );
    expect(times.toSorted((a, b) => a - b)).toEqual(times);
  });

  it('fails with its exit code', async () => {
    expect(await exitOf(startOf('exit 7'))).toMatchObject({ exitCode: 7, signal: '' });
    expect(await exitOf(startOf('exit 255'))).toMatchObject({ exitCode: 255, signal: '' });
  });

  it('ends by a signal, and nothing of the shell gets into its stderr', async () => {
    const attempt = await run(startOf('kill -SEGV $$'));
    expect(attempt.exited[0]).toMatchObject({ exitCode: 139, signal: 'SIGSEGV', stopCause: '' });
    expect(attempt.stderr.toString()).toBe('');
  });

  it('may signal its own group, the parent that records its exit included', async () => {
    const body = 'trap "" USR1 TERM HUP; kill -USR1 0; kill -TERM 0; kill -HUP 0; exit 5';
    expect(await exitOf(startOf(body))).toMatchObject({ exitCode: 5, stopCause: '' });
    expect(await exitOf(startOf('kill -KILL 0'))).toMatchObject({
      exitCode: 137,
      signal: 'SIGKILL',
    });
  });

  it('gets its signals as every process does: nothing is ignored for it', async () => {
    expect(await exitOf(startOf('kill -INT $$; exit 0'))).toMatchObject({ signal: 'SIGINT' });
    expect(await exitOf(startOf('kill -HUP $$; exit 0'))).toMatchObject({ signal: 'SIGHUP' });
  });

  it('keeps stdout and stderr apart', async () => {
    const attempt = await run(startOf('echo out; echo err >&2; printf out2; printf err2 >&2'));
    expect(attempt.stdout.toString()).toBe('out\nout2');
    expect(attempt.stderr.toString()).toBe('err\nerr2');
    expect(attempt.exited[0]).toMatchObject({ stdoutBytes: 8n, stderrBytes: 8n, droppedBytes: 0n });
  });

  it('writes any bytes, and every one arrives once, in order (I5)', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'muster-bytes-'));
    const bytes = Buffer.from(
      Array.from({ length: 5 * 2 ** 20 }, (_, i) => (i * 7 + (i >> 8)) & 0xff),
    );
    await writeFile(join(folder, 'bytes'), bytes);
    const attempt = await run(startOf('cat "$1"', { args: [join(folder, 'bytes')] }));
    expect(attempt.stdout.equals(bytes)).toBe(true);
    expect(attempt.gaps).toEqual([]);
    expect(attempt.exited[0]?.stdoutBytes).toBe(BigInt(bytes.length));
    await rm(folder, { recursive: true });
  });

  it('has what is over the cap counted and dropped (I5)', async () => {
    const body = 'head -c 100000 /dev/zero; head -c 50000 /dev/zero >&2';
    const attempt = await run(startOf(body, {}, { outputCapBytes: 30_000 }));
    expect(attempt.stdout.length + attempt.stderr.length).toBe(30_000);
    expect(attempt.exited[0]).toMatchObject({
      stdoutBytes: 100_000n,
      stderrBytes: 50_000n,
      droppedBytes: 120_000n,
    });
  });

  it.skipIf(!canPunchHoles(tmpdir()))(
    'does not fill the disk with what is over the cap, and all of it is counted (I5)',
    async () => {
      const start = startOf('head -c 300000000 /dev/zero', {}, { outputCapBytes: 2 ** 20 });
      supervisor.start(start);
      const attempt = await supervisor.over(start);
      expect(attempt.stdout.length).toBe(2 ** 20);
      expect(attempt.exited[0]).toMatchObject({
        exitCode: 0,
        stdoutBytes: 300_000_000n,
        droppedBytes: 300_000_000n - 2n ** 20n,
      });
      const file = join(agent.folder, 'attempts', nameOf(keyOf(start)), 'stdout');
      const onDisk = () => statSync(file).blocks * 512;
      await expect.poll(onDisk, { timeout: 20_000 }).toBeLessThan(2 ** 20 + 2 * TRIM_STEP_BYTES);
      expect(statSync(file).size).toBe(300_000_000);
      supervisor.forget(keyOf(start));
    },
  );

  it('shows a line while it runs', async () => {
    const start = startOf('echo first; read line; echo "$line"', { stdin: 'second\n' });
    expect((await run(start)).stdout.toString()).toBe('first\nsecond\n');
    const running = startOf('echo now; exec sleep 1000');
    await whenPrinted(running, 'now\n');
    expect(supervisor.of(running).isOver).toBe(false);
    supervisor.stop(keyOf(running));
    await supervisor.over(running);
  });

  it('gets arguments, environment, working directory and standard input', async () => {
    const start = startOf('printf "%s|" "$1" "$2" "$NAME" "$PWD"; cat', {
      args: ["a 'b'", '$HOME'],
      env: { NAME: 'x y', PATH: process.env['PATH'] ?? '' },
      cwd: '/usr',
      stdin: 'some text',
    });
    expect((await run(start)).stdout.toString()).toBe("a 'b'|$HOME|x y|/usr|some text");
    expect((await run(startOf('pwd'))).stdout.toString().trim()).toBe(homedir());
  });

  it('gets every value as it is, whatever it means to a shell', async () => {
    const env = {
      QUOTES: `a'b"c $(d) \\ \`e\`\n\ttail `,
      IFS: '0123456789',
      UID: '7',
      folder: '/tmp',
      input: '/etc/passwd',
      EMPTY: '',
    };
    const code = `for (const name of ${JSON.stringify(Object.keys(env))}) console.log(JSON.stringify(process.env[name]));`;
    const attempt = await run(startOf(code, { env, interpreter: Interpreter.NODE, cwd: '/' }));
    expect(attempt.stderr.toString()).toBe('');
    const values = attempt.stdout.toString().trim().split('\n');
    expect(values.map((value) => JSON.parse(value))).toEqual(Object.values(env));
    const words = ["it's", '', '-n', '$X', 'a\nb', '*'];
    const echoed = await run(startArgv(['printf', '[%s]', ...words]));
    expect(echoed.stdout.toString()).toBe(words.map((word) => `[${word}]`).join(''));
  });

  it('knows who it is, and gets no secret of the agent', async () => {
    const start = startOf('env | grep ^MUSTER_ | sort', {}, { attempt: 3 });
    expect((await run(start)).stdout.toString()).toBe(
      `MUSTER_ATTEMPT=3\nMUSTER_NODE_ID=web-1\nMUSTER_TASK_ID=${start.taskId}\n`,
    );
  });

  it.runIf(process.platform === 'linux')('never has its body on a command line', async () => {
    const body =
      'secret=hunter2; for f in /proc/[0-9]*/cmdline; do cat $f 2>/dev/null; done | tr "\\0" "\\n"';
    const { stdout } = await run(startOf(body));
    expect(stdout.toString()).toContain('shim.sh');
    expect(stdout.toString()).not.toContain('hunter2');
  });

  it.each([
    [Interpreter.BASH, 'a=(1 2 3); echo ${#a[@]}', '3\n'],
    [Interpreter.PYTHON3, 'import sys; print(sys.argv[1:])', "['x']\n"],
    [Interpreter.NODE, 'console.log(require("node:path").basename(process.argv[2]))', 'x\n'],
    [
      Interpreter.NODE,
      'import { basename } from "node:path"; console.log(basename("/a/b"))',
      'b\n',
    ],
    [Interpreter.DENO, 'const a: string[] = Deno.args; console.log(a.join())', 'x\n'],
  ])('runs under interpreter %s', async (interpreter, body, expected) => {
    if (interpreter === Interpreter.DENO && !hasDeno) return;
    const attempt = await run(startOf(body, { interpreter, args: ['x'] }));
    expect(attempt.stderr.toString()).toBe('');
    expect(attempt.stdout.toString()).toBe(expected);
  });
});

describe('an argv', () => {
  it('runs without a shell', async () => {
    const attempt = await run(startArgv(['printf', '%s|', '$HOME', 'a b', '*']));
    expect(attempt.stdout.toString()).toBe('$HOME|a b|*|');
  });

  it('is never taken for a builtin of the parent', async () => {
    expect(await exitOf(startArgv(['exit', '3']))).toMatchObject({
      spawnError: 'program exit is not installed on node web-1',
    });
    expect((await run(startArgv(['echo', '-n', 'x']))).stdout.toString()).toBe('x');
  });
});

describe('what cannot be started', () => {
  it.each([['sleep 1; uname -a'], ['ls|wc'], ['A=1'], ['~/run.sh'], ['echo $HOME']])(
    'a line of shell as the name of a program says how to run it: %s',
    async (line) => {
      expect(await exitOf(startArgv([line]))).toMatchObject({
        spawnError: `program ${line} is not installed on node web-1; what stands after -- is a program and its arguments: for a line of shell write -- sh -c '…'`,
      });
    },
  );

  it.each([
    [
      'a missing program',
      startArgv(['no-such-program']),
      /^program no-such-program is not installed on node web-1$/,
    ],
    [
      'a missing folder',
      startOf('pwd', { cwd: '/no/such' }),
      /^folder \/no\/such does not exist on node web-1$/,
    ],
    [
      'a missing interpreter',
      startOf('1', { interpreter: Interpreter.PYTHON3, env: { PATH: '/nowhere' } }),
      /^interpreter python3 is not installed on node web-1$/,
    ],
    [
      'a missing user',
      startOf('id', { user: 'nobody-at-all' }),
      isLinuxRoot
        ? /^user nobody-at-all does not exist on node web-1$/
        : /only root can change the user/,
    ],
    [
      'far too many words',
      startArgv(['true', ...Array<string>(40).fill('x'.repeat(131_000))]),
      /too long for the system/,
    ],
  ])('says so in a sentence: %s', async (_, start, sentence) => {
    const exit = await exitOf(start);
    expect(exit?.spawnError).toMatch(sentence);
    expect(exit?.exitCode).toBeUndefined();
    expect(supervisor.of(start).started).toEqual([]);
  });
});

describe.runIf(isLinuxRoot)('another user', () => {
  it('runs the script, with its own groups, home and name', async () => {
    const body = 'id -un; id -Gn; echo "$HOME $USER $LOGNAME"; pwd; cat';
    const attempt = await run(startOf(body, { user: 'nobody', stdin: 'in' }));
    expect(attempt.stderr.toString()).toBe('');
    expect(attempt.stdout.toString()).toBe('nobody\nnogroup\n/nonexistent nobody nobody\n/\nin');
    expect(attempt.exited[0]?.exitCode).toBe(0);
  });

  it('cannot reach what the agent keeps', async () => {
    const body = `cat ${agent.folder}/node.token; ls ${agent.folder}; ls "$(dirname "$0")"; echo x >> "$(dirname "$0")/y"`;
    const attempt = await run(startOf(body, { user: 'nobody' }));
    expect(attempt.stdout.toString()).toBe('');
    expect(attempt.stderr.toString().match(/Permission denied/g)).toHaveLength(4);
  });

  it('leaves nothing behind when it is let go', async () => {
    const start = startOf('echo "$0"', { user: 'nobody' });
    const path = (await run(start)).stdout.toString().trim();
    expect(path).toMatch(/^\/tmp\/muster-/);
    await supervisor.until(() => {
      // Each further message makes the condition be looked at.
      supervisor.stop(keyOf(start));
      return supervisor.of(start).lost.length > 0;
    }, 'the attempt to be unknown');
    await expect
      .poll(() => {
        try {
          return readFileSync(path, 'utf8');
        } catch {
          return null;
        }
      })
      .toBeNull();
  });
});

describe('stopping', () => {
  it('ends the whole process group (I9)', async () => {
    const start = startOf('sh -c "sleep 1000 & sleep 1000" & echo up; sleep 1000');
    const pid = await whenPrinted(start, 'up');
    supervisor.stop(keyOf(start), 'cancel');
    const attempt = await supervisor.over(start);
    expect(listGroup(pid)).toEqual([]);
    expect(attempt.exited[0]).toMatchObject({
      stopCause: 'cancel',
      signal: 'SIGTERM',
      exitCode: 143,
    });
  });

  it('kills what ignores SIGTERM when the grace is over (I9)', async () => {
    const body = 'trap "" TERM; echo up; while :; do sleep 1000; done';
    const start = startOf(body, {}, { stopGraceMs: 300 });
    const pid = await whenPrinted(start, 'up');
    supervisor.stop(keyOf(start), 'cancel');
    const attempt = await supervisor.over(start);
    expect(listGroup(pid)).toEqual([]);
    expect(attempt.exited[0]).toMatchObject({
      stopCause: 'cancel',
      signal: 'SIGKILL',
      exitCode: 137,
    });
  });

  it('reaches a process that is stopped itself', async () => {
    const start = startOf('echo up; kill -STOP $$');
    await whenPrinted(start, 'up');
    supervisor.stop(keyOf(start), 'cancel');
    expect((await supervisor.over(start)).exited[0]).toMatchObject({ stopCause: 'cancel' });
  });

  it('keeps the exit code of a script that ends in order when it is asked to', async () => {
    const start = startOf('trap "echo bye; exit 3" TERM; echo up; while :; do sleep 0.1; done');
    await whenPrinted(start, 'up');
    supervisor.stop(keyOf(start), 'cancel');
    const attempt = await supervisor.over(start);
    expect(attempt.stdout.toString()).toBe('up\nbye\n');
    expect(attempt.exited[0]).toMatchObject({ stopCause: 'cancel', exitCode: 3, signal: '' });
  });

  it('ends what a script has left in the background, and keeps its exit code', async () => {
    const start = startOf(
      'sleep 1000 & trap "" TERM; sleep 1000 & echo left; exit 4',
      {},
      { stopGraceMs: 200 },
    );
    supervisor.start(start);
    const attempt = await supervisor.over(start);
    expect(attempt.exited[0]).toMatchObject({ exitCode: 4, signal: '', stopCause: '' });
    expect(listGroup(attempt.started[0]!.pid)).toEqual([]);
  });

  it('ends an attempt at its deadline (I9)', async () => {
    const start = startOf('echo up; exec sleep 1000', {}, { timeoutMs: 1_000 });
    expect(await exitOf(start)).toMatchObject({ stopCause: 'timeout', signal: 'SIGTERM' });
  });

  it('has no effect on what has ended by itself', async () => {
    const start = startOf('exit 0');
    supervisor.start(start);
    await supervisor.over(start);
    supervisor.stop(keyOf(start), 'cancel');
    await supervisor.until(() => supervisor.of(start).exited.length > 1, 'the answer');
    expect(supervisor.of(start).exited.at(-1)).toMatchObject({ exitCode: 0, stopCause: '' });
  });
});
