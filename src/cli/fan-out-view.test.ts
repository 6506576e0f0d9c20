// The line of progress of a fan-out, on terminals of every width.
import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { FanOutProgressSchema } from '../../proto/gen/muster/v1/fan_out_pb.ts';
import { progressLine } from './fan-out-view.ts';
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
