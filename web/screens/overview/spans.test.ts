// Spans without gaps.
import { expect, it } from 'vitest';
import { filled } from './spans.ts';

it('have no gaps and end now', () => {
  const some = [{ at: 200, created: 1, completed: 2, failed: 3 }];
  expect(filled(some, 100, 3, 350).map(({ at, created }) => [at, created])).toEqual([
    [100, 0],
    [200, 1],
    [300, 0],
  ]);
});
