// Refusals of a supervisor in the words of the command line.
import { expect, test } from 'vitest';
import { withFlags } from './field-flags.ts';

test.each([
  [
    'Cannot list tasks: page_size is 0; it must be from 1 to 200',
    'Cannot list tasks: --limit is 0; it must be from 1 to 200',
  ],
  [
    'Cannot create the schedule: spec.task.policy.timeout is 0s; also spec.jitter is 2d',
    'Cannot create the schedule: --timeout is 0s; also --jitter is 2d',
  ],
  [
    'Cannot create the task: spec.labels["a"] is "b/c"; it must be short',
    'Cannot create the task: --label a is "b/c"; it must be short',
  ],
  [
    'Cannot create the task: spec.target.selection.nodes[3] is empty',
    'Cannot create the task: -n is empty',
  ],
  ['Cannot create the task: spec.name is "a\\nb"', 'Cannot create the task: the name is "a\\nb"'],
])('%s', (said, shown) => {
  expect(withFlags(said)).toBe(shown);
});

test.each([
  'Cannot create the task: node name is unknown; it is not known',
  'Cannot create the task: spec.unheard_of is 3; it must be 4',
  'the note is long, and its name is odd',
])('what names no flag stays: %s', (said) => {
  expect(withFlags(said)).toBe(said);
});
