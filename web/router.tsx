/**
 * The paths of the console. What a screen shows is in its path and its search: a link leads anybody else to the same view.
 */
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
} from '@tanstack/react-router';
import { readSession } from './connection.ts';
import { Shell } from './shell.tsx';
import { NotFound } from './screens/not-found.tsx';

export type Search = Readonly<Record<string, string | undefined>>;

/** Every value of a search is a text; screens read what they know and leave the rest. */
function readSearch(search: Record<string, unknown>): Search {
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(search)) {
    if (typeof value === 'string' && value !== '') texts[name] = value;
    if (typeof value === 'number' || typeof value === 'boolean') texts[name] = String(value);
  }
  return texts;
}

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound });

const screen = <Path extends string>(
  path: Path,
  load: () => Promise<{ Screen: () => React.ReactNode }>,
) =>
  createRoute({
    getParentRoute: () => root,
    path,
    validateSearch: readSearch,
    component: lazyRouteComponent(() => whileThere(load), 'Screen'),
  });

const TRY_AGAIN_MS = 1_000;

/**
 * Loads a screen. Where one cannot be loaded, as after an update, the router reloads the page: not before there is a supervisor to
 * reload it from.
 */
async function whileThere<Loaded>(load: () => Promise<Loaded>): Promise<Loaded> {
  try {
    return await load();
  } catch (error) {
    while ((await readSession()) === null) {
      await new Promise((resolve) => setTimeout(resolve, TRY_AGAIN_MS));
    }
    throw error;
  }
}

const routes = [
  screen('/', () => import('./screens/overview/overview.tsx')),
  screen('/tasks', () => import('./screens/tasks/tasks.tsx')),
  screen('/tasks/new', () => import('./screens/new-task/new-task.tsx')),
  screen('/tasks/$taskId', () => import('./screens/task/task.tsx')),
  screen('/nodes', () => import('./screens/nodes/nodes.tsx')),
  screen('/nodes/$nodeId', () => import('./screens/nodes/node.tsx')),
  screen('/schedules', () => import('./screens/schedules/schedules.tsx')),
  screen('/schedules/$key', () => import('./screens/schedules/schedule.tsx')),
  screen('/machines', () => import('./screens/machines/machines.tsx')),
  screen('/machines/$name', () => import('./screens/machines/machine.tsx')),
  screen('/events', () => import('./screens/events/events.tsx')),
  screen('/login', () => import('./screens/login.tsx')),
] as const;

export const router = createRouter({
  routeTree: root.addChildren([...routes]),
  // A search is plain name=value, as people type it.
  parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch: (search) => {
    const pairs = Object.entries(search).flatMap(([name, value]) =>
      value === undefined || value === '' ? [] : [[name, String(value)]],
    );
    const text = new URLSearchParams(pairs as [string, string][]).toString();
    return text === '' ? '' : `?${text}`;
  },
  defaultPreload: 'intent',
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
