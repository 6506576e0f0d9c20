// What can stand at the cursor, as it follows from the commands themselves.

import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { buildProgram } from '../program.ts';
import { complete } from './candidates.ts';
import { readLine } from './line.ts';
import { argumentValues, optionValues, wordsIn } from './values.ts';

const program = buildProgram();

async function texts(...words: string[]): Promise<string[] | 'files'> {
  const answer = await complete(program, words);
  return answer.kind === 'files' ? 'files' : answer.candidates.map(({ text }) => text);
}

/** Every command, with the words that lead to it. */
function commandsOf(command: Command, path: string[] = []): { command: Command; path: string[] }[] {
  return command.commands.flatMap((one) => {
    const here = [...path, one.name()];
    return [{ command: one, path: here }, ...commandsOf(one, here)];
  });
}

describe('completion', () => {
  it('offers each command where it can stand, but for hidden ones', async () => {
    for (const { path } of commandsOf(program)) {
      const name = path.at(-1) ?? '';
      const offered = await texts(...path.slice(0, -1), name.slice(0, 1));
      if (name === '__complete') expect(offered).not.toContain(name);
      else expect(offered).toContain(name);
    }
    expect(await texts('')).toContain('help');
    expect(await texts('help', 'ta')).toEqual(['task']);
    expect(await texts('nothing', 'ta')).toEqual([]);
  });

  it('offers each flag of each command', async () => {
    for (const { command, path } of commandsOf(program)) {
      const offered = await texts(...path, '-');
      for (const { long } of command.options) expect(offered).toContain(long);
      expect(offered).toContain('--help');
    }
    expect(await texts('task', 'list', '--st')).toEqual(['--state']);
  });

  it('offers the words that a description lists, also in lists and behind =', async () => {
    expect(await texts('schedule', 'create', 'x', '--overlap', '')).toEqual([
      'allow',
      'forbid',
      'replace',
      'queue',
    ]);
    expect(await texts('task', 'list', '--state', 'pending,r')).toEqual(['pending,running']);
    expect(await texts('task', 'list', '--output=json')).toEqual([
      '--output=json',
      '--output=jsonl',
    ]);
    expect(await texts('-o', '')).toEqual(['table', 'json', 'jsonl']);
    expect(await texts('-o', 'json', 'task', 'ca')).toEqual(['cancel']);
    expect(await texts('task', 'resolve', 'id', 'c')).toEqual(['completed', 'cancelled']);
    expect(await texts('completion', '')).toEqual(['bash', 'zsh', 'fish']);
    expect(await texts('task', 'list', '--type', 'f')).toEqual(['file', 'fan_out']);
    expect(await texts('machine', 'show', 's')).toEqual(['schedule', 'session']);
    expect(await texts('node', 'drain', 'web-1', '--then', '')).toEqual(['stop', 'leave']);
  });

  it('offers the forms of output that the command has', async () => {
    expect(await texts('node', 'list', '-o', '')).toEqual(['table', 'wide', 'json', 'jsonl']);
    expect(await texts('machine', 'show', 'task', '-o', '')).toEqual([
      'mermaid',
      'svg',
      'xstate',
      'json',
    ]);
    expect(await texts('task', 'diagram', '-o', '')).toEqual([]);
    expect(await texts('task', 'inspect', '-o', '')).toEqual([]);
  });

  it('leaves files to the shell, and offers nothing where nothing is known', async () => {
    expect(await texts('run', '-f', '')).toBe('files');
    expect(await texts('run', '--node', 'a', '--', 'ls', '')).toBe('files');
    expect(await texts('run', '--timeout', '')).toEqual([]);
    expect(await texts('task', 'get', 'one', '')).toEqual([]);
    expect(await texts('run', '--detach=')).toEqual([]);
  });

  it('keeps the flags that say which supervisor is meant', () => {
    const line = readLine(program, ['--server', 'http://a', 'task', 'get', '--token-file=t', '']);
    expect(line.given).toEqual({ server: 'http://a', tokenFile: 't' });
  });

  it.each([
    ['skip, latest or all (default: latest)', ['skip', 'latest', 'all']],
    ['table, json (one document) or jsonl (a line)', ['table', 'json', 'jsonl']],
    ['online, unreachable, offline; repeatable', ['online', 'unreachable', 'offline']],
    ['interpreter: sh, python3 or deno (default: sh)', ['sh', 'python3', 'deno']],
    ['not before: 30m from now, or an ISO time', []],
    ['0 to 100, higher first (default: 50)', []],
    ['working folder, absolute (default: the home of its user)', []],
    ['run as this user; the agent has to be root', []],
  ])('reads "%s"', (description, words) => {
    expect(wordsIn(description)).toEqual(words);
  });

  it('knows what each name in a command is the name of', () => {
    const named = commandsOf(program).flatMap(({ command, path }) => [
      ...command.registeredArguments.map((argument) => ({
        what: `${path.join(' ')} <${argument.name()}>`,
        values: argumentValues(command, argument),
      })),
      ...command.options.map((option) => ({
        what: `${path.join(' ')} ${option.long}`,
        values: optionValues(command, option),
      })),
    ]);
    const of = (what: string) => {
      const values = named.find((one) => one.what === what)?.values;
      return values?.kind === 'name' ? values.of : values?.kind;
    };
    const expected: [string, string | undefined][] = [
      ['task get <id>', 'task'],
      ['worker stop <workers>', 'worker'],
      ['task cancel <ids>', 'task'],
      ['node get <id>', 'node'],
      ['node label <changes>', 'nodeLabel'],
      ['schedule update <key>', 'schedule'],
      ['group add <name>', 'group'],
      ['group add <nodes>', 'node'],
      ['group create <name>', 'any'],
      ['group create --parent', 'group'],
      ['run --node', 'node'],
      ['run -x', undefined],
      ['run --exclude', 'node'],
      ['run --selector', 'nodeLabel'],
      ['run --label', 'taskLabel'],
      ['node list --label', 'nodeLabel'],
      ['task list --node', 'node'],
      ['run --cwd', 'file'],
    ];
    expect(expected.map(([what]) => [what, of(what)])).toEqual(expected);
  });
});
