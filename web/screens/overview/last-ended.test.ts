// The tasks that ended last.
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { expect, it } from 'vitest';
import { lastEnded } from './last-ended.ts';

it('the task that ended last is first, whenever it was created', () => {
  const created = [40, 90, 10, 70].map((ms) => ({ finishedAt: timestampFromMs(ms) }));
  const [a, b, , d] = created;
  expect(lastEnded(created, 3)).toEqual([b, d, a]);
});
