// What the help of commands says of flags whose meaning differs from command to command.
import { expect, test } from 'vitest';
import { buildProgram, readWords } from './program.ts';

/** The description of a flag in the help of a command; undefined where it has no such flag. */
function describe(words: string, flag: string): string | undefined {
  let command = buildProgram();
  for (const word of words.split(' ')) {
    const next = command.commands.find((one) => one.name() === word);
    if (next === undefined) throw new Error(`there is no command ${words}`);
    command = next;
  }
  return command.options.find(({ long }) => long === flag)?.description;
}

test.each(['run', 'schedule create', 'schedule update'])('%s runs anywhere by default', (words) => {
  expect(describe(words, '--any')).toContain('(default)');
});

test.each(['call', 'file put', 'file get', 'service status'])(
  '%s wants to be told where',
  (words) => {
    expect(describe(words, '--any')).not.toContain('default');
  },
);

test.each(['file put', 'file delete', 'file stat', 'service restart'])(
  '%s gathers the answers of many nodes by default',
  (words) => expect(describe(words, '--gather')).toContain('(default)'),
);

test('a schedule has no flags for output that nobody waits for', () => {
  expect(describe('run', '--gather')).toBeDefined();
  for (const words of ['schedule create', 'schedule update']) {
    expect([describe(words, '--gather'), describe(words, '--prefix')]).toEqual([
      undefined,
      undefined,
    ]);
  }
});

test.each([
  [['help'], ['help']],
  [
    ['help', 'task'],
    ['help', 'task'],
  ],
  [
    ['help', 'task', 'list'],
    ['task', 'list', '--help'],
  ],
  [
    ['task', 'help', 'list'],
    ['task', 'help', 'list'],
  ],
  [
    ['run', '--', 'help', 'me'],
    ['run', '--', 'help', 'me'],
  ],
])('%j is read as %j', (given, words) => {
  expect(readWords(given)).toEqual(words);
});

test('list and delete have the same short names in every family', () => {
  for (const family of buildProgram().commands) {
    for (const [name, alias] of Object.entries({ list: 'ls', delete: 'rm' })) {
      const command = family.commands.find((one) => one.name() === name);
      // A file of a host is no list of ours.
      if (command === undefined || family.name() === 'file') continue;
      expect([family.name(), name, command.alias()]).toEqual([family.name(), name, alias]);
    }
  }
});

test('call says of flags what run says of them', () => {
  for (const flag of ['--start-at', '--hold', '--detach', '--timeout', '--priority']) {
    expect(describe('call', flag)).toBe(describe('run', flag));
  }
});

test('the help of run shows how a line of shell is run', () => {
  const run = buildProgram().commands.find((one) => one.name() === 'run');
  let help = '';
  run?.configureOutput({ writeOut: (text) => void (help += text) }).outputHelp();
  expect(help).toContain("muster run -- sh -c '");
});
