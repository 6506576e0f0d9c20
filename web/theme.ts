/** Light, dark, or as the system has it: chosen once, kept in this browser. */
import { useSyncExternalStore } from 'react';

export type Choice = 'light' | 'dark' | 'system';

const KEY = 'muster.theme';
const system = matchMedia('(prefers-color-scheme: dark)');
const listeners = new Set<() => void>();

function read(): Choice {
  const kept = localStorage.getItem(KEY);
  return kept === 'light' || kept === 'dark' ? kept : 'system';
}

let choice = read();

function apply(): void {
  const isDark = choice === 'dark' || (choice === 'system' && system.matches);
  document.documentElement.dataset['theme'] = isDark ? 'dark' : 'light';
}

/** Puts the theme in force and follows the system from now on. */
export function startTheme(): void {
  apply();
  system.addEventListener('change', apply);
}

export function setTheme(next: Choice): void {
  choice = next;
  if (next === 'system') localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, next);
  apply();
  for (const listener of listeners) listener();
}

export function useTheme(): Choice {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => choice,
  );
}
