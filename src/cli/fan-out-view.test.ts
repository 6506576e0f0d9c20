// The line of progress of a fan-out, on terminals of every width.
import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { FanOutProgressSchema } from '../../proto/gen/muster/v1/fan_out_pb.ts';
import { prefixedLines, progressLine } from './fan-out-view.ts';
import { createStyle } from './style.ts';

const PLAIN = createStyle({ isTTY: false }, {});
const PROGRESS = create(FanOutProgressSchema, {
  total: 5000,
  completed: 1200,
  failed: 30,
  timedOut: 20,
  active: 64,
  held: 3686,
});

test('shows a bar and the numbers that are not zero', () => {
  expect(progressLine(PROGRESS, PLAIN)).toBe(
    '[######..................] 1250/5000  64 running  1200 completed  30 failed  20 timed out  3686 waiting',
  );
  const done = create(FanOutProgressSchema, { total: 2, completed: 2 });
  expect(progressLine(done, PLAIN)).toBe(`[${'#'.repeat(24)}] 2/2  2 completed`);
});

test('never fills the terminal: the bar gives way first, then the last numbers', () => {
  expect(progressLine(PROGRESS, PLAIN, 90)).toBe(
    '[##........] 1250/5000  64 running  1200 completed  30 failed  20 timed out  3686 waiting',
  );
  expect(progressLine(PROGRESS, PLAIN, 40)).toBe('1250/5000  64 running  1200 completed');
  for (let columns = 12; columns < 130; columns += 1) {
    const line = progressLine(PROGRESS, PLAIN, columns);
    expect(line.length).toBeLessThan(columns);
    expect(line).toContain('1250/5000');
  }
});

const RED = '\u001b[31mred\u001b[0m';

test('behind a name colours are left out whole, other control characters are made harmless', () => {
  const lines = (text: string) => prefixedLines('x1', Buffer.from(text), false);
  expect(lines(`a ${RED} b\n\u001b[1;38:5:9mbold\n`)).toBe('x1: a red b\nx1: bold\n');
  expect(lines('\u001b[2Jgone\u0007\n')).toBe('x1: \uFFFD[2Jgone\uFFFD\n');
  expect(lines('\u001b[3\u001b[31m1mtrick\n')).toBe('x1: \uFFFD[31mtrick\n');
});

test('on a terminal colours stay, and none leaves its line', () => {
  const lines = (text: string) => prefixedLines('x1', Buffer.from(text), true);
  expect(lines(`plain\n${RED}\n\u001b[1mopen\n\u001b[31mx\u001b[2J`)).toBe(
    `x1: plain\nx1: ${RED}\u001b[0m\nx1: \u001b[1mopen\u001b[0m\nx1: \u001b[31mx\uFFFD[2J\u001b[0m\n`,
  );
});
