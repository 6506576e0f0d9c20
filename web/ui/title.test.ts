// The name of the tab of the browser.
import { expect, it } from 'vitest';
import { titleOf } from './title.ts';

it.each([
  ['/', 'Overview · Muster'],
  ['/tasks', 'Tasks · Muster'],
  ['/tasks/new', 'New task · Muster'],
  ['/tasks/01a22656-e720-7000-90f6-9959ad8b9c36', '01a22656-e720 · Tasks · Muster'],
  ['/nodes/web-1', 'web-1 · Nodes · Muster'],
  ['/nodes/a%2Fb', 'a/b · Nodes · Muster'],
  ['/nodes/%', '% · Nodes · Muster'],
  ['/login', 'Log in · Muster'],
])('the tab of %s says where it is', (path, title) => {
  expect(titleOf(path)).toBe(title);
});
