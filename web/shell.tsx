/**
 * What is around every screen: the navigation, whether the supervisor is there, the theme, and the keys that work everywhere.
 */
import { Link, Outlet, useNavigate, useRouterState } from '@tanstack/react-router';
import { useEffect, useState, useSyncExternalStore } from 'react';
import { logOut, readSession, whenLoggedOut } from './connection.ts';
import { link } from './live.ts';
import { forgetDrafts } from './screens/new-task/draft.ts';
import { type Choice, setTheme, useTheme } from './theme.ts';
import { Help } from './ui/help.tsx';
import { type Keys, useKeys } from './ui/keys.ts';
import { titleOf } from './ui/title.ts';
import { Toasts } from './ui/toast.tsx';

const PLACES = [
  { to: '/', label: 'Overview', keys: 'g o' },
  { to: '/tasks', label: 'Tasks', keys: 'g t' },
  { to: '/nodes', label: 'Nodes', keys: 'g n' },
  { to: '/schedules', label: 'Schedules', keys: 'g s' },
  { to: '/machines', label: 'Machines', keys: 'g m' },
  { to: '/events', label: 'Events', keys: 'g e' },
] as const;

/** Nothing is behind the log-in yet. */
const NO_KEYS: Keys = {};

export function Shell() {
  const path = useRouterState({ select: (state) => state.location.pathname });
  const navigate = useNavigate();
  const [isHelpOpen, setHelpOpen] = useState(false);
  const isLogIn = path === '/login';
  const isIn = useSession(isLogIn);
  useEffect(() => {
    document.title = titleOf(path);
  }, [path]);
  useKeys(
    isLogIn
      ? NO_KEYS
      : {
          ...Object.fromEntries(PLACES.map(({ to, keys }) => [keys, () => void navigate({ to })])),
          'g c': () => void navigate({ to: '/tasks/new' }),
          '?': () => setHelpOpen(true),
          '/': () => document.querySelector<HTMLInputElement>('[data-search]')?.focus(),
        },
  );
  if (isLogIn) return <Outlet />;
  return (
    <div className="grid h-full grid-cols-[minmax(0,1fr)] grid-rows-[auto_minmax(0,1fr)]">
      <a
        href="#content"
        className="sr-only focus:not-sr-only focus:absolute focus:z-50 focus:bg-panel focus:p-2"
      >
        Skip to the content
      </a>
      <Header onHelp={() => setHelpOpen(true)} />
      {/* Relative, so that what only screen readers see scrolls with it and does not make the page longer than the window. */}
      <main id="content" tabIndex={-1} className="relative min-h-0 overflow-auto !outline-none">
        {isIn ? <Outlet /> : null}
      </main>
      <Help isOpen={isHelpOpen} onClose={() => setHelpOpen(false)} places={PLACES} />
      <Toasts />
    </div>
  );
}

/** Tells whether there is a session, and leads to the log-in when there is none, from where one comes back. */
function useSession(isLogIn: boolean): boolean {
  const [isIn, setIn] = useState(false);
  const navigate = useNavigate();
  useEffect(() => {
    const leave = () => {
      // Several calls are refused at once: the first one knows where somebody was.
      if (location.pathname === '/login') return;
      const from = location.pathname + location.search;
      void navigate({ to: '/login', search: { from }, replace: true });
    };
    whenLoggedOut(() => {
      link.stop();
      setIn(false);
      leave();
    });
    // Also when somebody goes back from the log-in.
    if (isIn || isLogIn) return;
    void readSession().then((isLoggedIn) => (isLoggedIn === false ? leave() : setIn(true)));
  }, [navigate, isIn, isLogIn]);
  return isIn;
}

function Header({ onHelp }: { readonly onHelp: () => void }) {
  return (
    <header className="flex flex-wrap items-center gap-x-1 border-b border-line bg-panel px-2 sm:px-4">
      <Link to="/" className="flex items-center gap-2 py-2.5 font-semibold lg:mr-4">
        <img src="/icon.svg" alt="" width="22" height="22" />
        Muster
      </Link>
      {/* In a narrow window the screens have a row of their own, which scrolls where it is too narrow even for that. */}
      <nav
        aria-label="Screens"
        className="order-last flex w-full gap-0.5 overflow-x-auto pb-1.5 lg:order-none lg:w-auto lg:pb-0"
      >
        {PLACES.map(({ to, label, keys }) => (
          <Link
            key={to}
            to={to}
            title={`${label} (${keys})`}
            activeOptions={{ exact: to === '/' }}
            className="rounded-md px-3 py-1.5 text-soft hover:bg-raised hover:text-text"
            activeProps={{ className: 'bg-accent-soft !text-text font-medium' }}
          >
            {label}
          </Link>
        ))}
      </nav>
      <span className="grow" />
      <Connection />
      <Link
        to="/tasks/new"
        title="New task (g c)"
        className="rounded-md bg-accent px-3 py-1.5 font-medium text-accent-text hover:opacity-90"
      >
        New task
      </Link>
      <ThemeSwitch />
      <button
        type="button"
        onClick={onHelp}
        title="Keys (?)"
        aria-label="Keys"
        className="rounded-md px-2.5 py-1.5 text-soft hover:bg-raised"
      >
        ?
      </button>
      <button
        type="button"
        onClick={() => {
          forgetDrafts();
          void logOut();
        }}
        className="rounded-md px-2.5 py-1.5 text-soft hover:bg-raised"
      >
        Log out
      </button>
    </header>
  );
}

/** Says when the stream to the supervisor is lost; it comes back by itself. */
function Connection() {
  const state = useSyncExternalStore(link.onStateChange, () => link.state);
  if (state !== 'offline')
    return (
      <span role="status" className="sr-only">
        connected
      </span>
    );
  return (
    <span
      role="status"
      className="mr-2 flex items-center gap-2 rounded-md border border-warn px-2.5 py-1 text-warn"
    >
      <span aria-hidden className="size-2 animate-pulse rounded-full bg-warn" />
      Connection lost; trying again
    </span>
  );
}

const NEXT: Readonly<Record<Choice, Choice>> = { system: 'light', light: 'dark', dark: 'system' };
const MARK: Readonly<Record<Choice, string>> = { system: '◐', light: '☀', dark: '☾' };

function ThemeSwitch() {
  const choice = useTheme();
  return (
    <button
      type="button"
      onClick={() => setTheme(NEXT[choice])}
      title={`Theme: ${choice}`}
      aria-label={`Theme: ${choice}; switch to ${NEXT[choice]}`}
      className="ml-1 rounded-md px-2.5 py-1.5 text-soft hover:bg-raised"
    >
      <span aria-hidden>{MARK[choice]}</span>
    </button>
  );
}
