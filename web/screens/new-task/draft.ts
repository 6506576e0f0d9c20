/**
 * What was typed into the form of a new task, kept for this tab until it is sent, cleared, or somebody logs out.
 *
 * There are two places. The form without parameters in its address has its draft whenever it is opened. One with parameters (run again, a
 * node, a schedule) has it for its entry of the browser's history only: a reload finds it, and who follows the link anew gets what the link
 * says. Values of environment variables that look secret by their name are never kept.
 */
import type { FormState } from './form-state.ts';

/** To be counted up when a field or a choice comes to mean something else. */
const PREFIX = 'muster.new-task.1.';
const SECRET = /pass|secret|token|credential|private|api_?key|auth(?!or)/i;

export interface DraftPlace {
  /** The parameters of the address; empty for none. */
  readonly address: string;
  /** Names the entry of the browser's history. */
  readonly entry: string;
}

export interface Draft {
  readonly form: FormState;
  /** Names of environment variables that were typed and not kept. */
  readonly leftOut: readonly string[];
}

type Store = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

/**
 * Keeps a form, or forgets the draft where the form is as it was at first.
 *
 * @param leftOut of the draft that the form began with
 */
export function keepDraft(
  place: DraftPlace,
  { form, leftOut }: Draft,
  first: FormState,
  store: Store = sessionStorage,
): void {
  const { env, names } = withoutSecrets(form.env);
  // What a file task does is no part of what can be typed.
  const { file: _file, ...typed } = { ...form, env };
  const missing = [...new Set([...leftOut, ...names])];
  if (isSame(form, first)) return store.removeItem(keyOf(place));
  try {
    store.setItem(keyOf(place), JSON.stringify({ ...place, typed, leftOut: missing }));
  } catch {
    // There is no room for it. An older one would be of another text.
    store.removeItem(keyOf(place));
  }
}

/** Returns the draft of a form; null for none. @param first what the form is without it */
export function readDraft(
  place: DraftPlace,
  first: FormState,
  store: Store = sessionStorage,
): Draft | null {
  try {
    const kept = JSON.parse(store.getItem(keyOf(place)) ?? 'null') as Partial<
      DraftPlace & { typed: Readonly<Record<string, unknown>>; leftOut: unknown[] }
    > | null;
    if (kept === null || typeof kept.typed !== 'object') return null;
    const isHere = kept.address === place.address && kept.entry === place.entry;
    if (place.address !== '' && !isHere) return null;
    const typed = Object.entries(kept.typed).filter(
      ([field, value]) => typeof value === typeof first[field as keyof FormState],
    );
    const names = Array.isArray(kept.leftOut) ? kept.leftOut : [];
    return {
      form: { ...first, ...Object.fromEntries(typed) },
      leftOut: names.filter((name) => typeof name === 'string'),
    };
  } catch {
    return null;
  }
}

/** Forgets the draft of a form. */
export function forgetDraft(place: DraftPlace, store: Store = sessionStorage): void {
  store.removeItem(keyOf(place));
}

const listeners = new Set<() => void>();

/** Has `listener` called when all drafts are forgotten: a form that is still shown is not to be kept again. */
export function whenForgotten(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Forgets all of this tab. */
export function forgetDrafts(store: Store = sessionStorage): void {
  for (const listener of listeners) listener();
  for (const address of ['', 'any']) forgetDraft({ address, entry: '' }, store);
}

export function isSame(form: FormState, other: FormState): boolean {
  const fields = Object.keys(other) as (keyof FormState)[];
  return fields.every((field) => form[field] === other[field]);
}

function keyOf({ address }: DraftPlace): string {
  return PREFIX + (address === '' ? 'plain' : 'linked');
}

/** Takes out the lines of variables that look secret. A line that is no variable yet stays. */
function withoutSecrets(env: string): { readonly env: string; readonly names: readonly string[] } {
  const nameOf = (line: string) => line.slice(0, Math.max(line.indexOf('='), 0)).trim();
  const lines = env.split('\n');
  const secret = lines.filter((line) => SECRET.test(nameOf(line)));
  return {
    env: lines.filter((line) => !secret.includes(line)).join('\n'),
    names: secret.map(nameOf),
  };
}
