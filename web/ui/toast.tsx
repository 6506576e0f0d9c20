/** Short messages at the foot of the page: what an action has done, or why it could not. */
import { useSyncExternalStore } from 'react';

interface Toast {
  readonly id: number;
  readonly text: string;
  readonly isError: boolean;
}

const SHOWN_MS = 6_000;
let shown: readonly Toast[] = [];
let nextId = 1;
const listeners = new Set<() => void>();

function set(next: readonly Toast[]): void {
  shown = next;
  for (const listener of listeners) listener();
}

/** Shows a message for a while. */
export function toast(text: string, isError = false): void {
  const id = nextId++;
  set([...shown, { id, text, isError }]);
  setTimeout(() => set(shown.filter((one) => one.id !== id)), SHOWN_MS);
}

export function Toasts() {
  const toasts = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => shown,
  );
  return (
    <div aria-live="polite" className="fixed right-4 bottom-4 z-50 flex w-96 flex-col gap-2">
      {toasts.map(({ id, text, isError }) => (
        <div
          key={id}
          className={`rounded-lg border bg-panel px-4 py-3 shadow-lg ${isError ? 'border-bad text-bad' : 'border-line'}`}
        >
          {text}
        </div>
      ))}
    </div>
  );
}
