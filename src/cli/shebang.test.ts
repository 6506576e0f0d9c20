// The first line of a script names its interpreter.
import { expect, test } from 'vitest';
import { Interpreter } from '../../proto/gen/muster/v1/task_pb.ts';
import { UsageFault } from './fault.ts';
import { interpreterOf, readShebang } from './shebang.ts';

test.each([
  ['#!/bin/sh', Interpreter.SH, []],
  ['#! /bin/bash\r', Interpreter.BASH, []],
  ['#!/bin/bash -eu', Interpreter.BASH, ['-eu']],
  ['#!/usr/bin/env python3', Interpreter.PYTHON3, []],
  ['#!/usr/bin/python3.12', Interpreter.PYTHON3, []],
  ['#!/usr/bin/env -S LANG=C node --no-warnings', Interpreter.NODE, ['--no-warnings']],
  ['#!/usr/bin/env -S deno run -A', Interpreter.DENO, []],
  ['#!/bin/dash', Interpreter.SH, []],
])('%j', (line, interpreter, options) => {
  expect(readShebang(`${line}\necho\n`)).toEqual({ interpreter, options });
});

test.each(['echo hi\n', '', '\n#!/bin/bash\n', ' #!/bin/bash'])('%j names none', (body) => {
  expect(readShebang(body)).toBeUndefined();
});

test.each(['#!/usr/bin/perl', '#!/usr/bin/env ruby -w', '#!/usr/bin/env', '#!/opt/constructor'])(
  '%j is refused, for sh must not read it',
  (line) => {
    expect(() => readShebang(`${line}\nsystem("ls")\n`)).toThrow(UsageFault);
  },
);

test('--shell takes the names that there are', () => {
  expect(interpreterOf('deno')).toBe(Interpreter.DENO);
  expect(() => interpreterOf('ruby')).toThrow('sh, bash, python3, node, deno');
  expect(() => interpreterOf('toString')).toThrow(UsageFault);
});
