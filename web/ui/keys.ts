/** Keys of the whole page: single ones, and two in a row such as `g t`. Typing into a field is left alone. */
import { useEffect, useRef } from 'react';

export type Keys = Readonly<Record<string, () => void>>;

/** Within this time the second key of two belongs to the first. */
const SEQUENCE_MS = 1_000;

/** Has keys do something while the component is shown. */
export function useKeys(keys: Keys): void {
  const current = useRef(keys);
  current.current = keys;
  useEffect(() => {
    let first = '';
    let at = 0;
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (isAsking()) return;
      const sequence = event.timeStamp - at < SEQUENCE_MS ? `${first} ${event.key}` : event.key;
      const act = current.current[sequence] ?? current.current[event.key];
      first = event.key;
      at = event.timeStamp;
      if (act === undefined) return;
      event.preventDefault();
      act();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
}

/** While something is asked, or chosen from a menu, keys are not for the screen behind it. */
function isAsking(): boolean {
  return document.querySelector('dialog[open], [role=dialog], [role=menu]') !== null;
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}
