// What --keep takes, and what it says of what it does not take.

import { expect, it } from 'vitest';
import { type Keep, MAX_COMMAND_BYTES, readKeeps } from './keep.ts';

function read(...flags: string[]): readonly Keep[] {
  const faults: string[] = [];
  const keeps = readKeeps(flags, faults);
  expect(faults).toEqual([]);
  return keeps;
}

it.each([
  ['exporter=./node_exporter --port 9100', 'exporter', 'always', './node_exporter --port 9100'],
  ['a[on-failure]=b', 'a', 'on-failure', 'b'],
  ['a.b-1[never]= x="1=2"; echo $x ', 'a.b-1', 'never', 'x="1=2"; echo $x'],
  ['a[always]=[ -e x ] && y[1]=2', 'a', 'always', '[ -e x ] && y[1]=2'],
  ['a=line\nline', 'a', 'always', 'line\nline'],
] as const)('reads %j', (flag, name, policy, command) => {
  expect(read(flag)).toEqual([{ name, policy, command }]);
});

it.each([
  ['exporter', 'it must be like exporter=COMMAND'],
  ['=x', 'it must be like exporter=COMMAND'],
  ['Big=x', 'small letters'],
  ['../x=y', 'small letters'],
  ['a[]=x', 'the policy must be one of always, on-failure, never'],
  ['a[sometimes]=x', 'the policy must be one of always, on-failure, never'],
  ['slot-3=x', 'the name slot-3 is that of a slot'],
  ['a= ', 'it has no command'],
  [`a=${'x'.repeat(MAX_COMMAND_BYTES + 1)}`, 'there can be 16384'],
])('refuses %.20j', (flag, fault) => {
  const faults: string[] = [];
  readKeeps([flag], faults);
  expect(faults).toHaveLength(1);
  expect(faults[0]).toContain(fault);
  expect(faults[0]?.length).toBeLessThan(300);
});

it('refuses two of one name, and more than 64', () => {
  const faults: string[] = [];
  readKeeps(['a=x', 'a=y', ...Array.from({ length: 64 }, (_, i) => `b${i}=x`)], faults);
  expect(faults).toEqual([
    '--keep: there are two commands named a',
    'there are 65 --keep flags; there can be 64',
  ]);
});
