/** Links to the list of tasks with a filter, as people would type it there. */
import type { Search } from './router.tsx';

/** Returns the search of /tasks that shows what all of the terms select, such as node:web-1. */
export function searchOfTasks(terms: Readonly<Record<string, string>>): Search {
  const text = Object.entries(terms)
    .map(([name, value]) => `${name}:${value}`)
    .join(' ');
  return { q: text };
}
