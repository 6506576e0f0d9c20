/** Gives the focus back, after a dialog that something else than a trigger of its own has opened. */
import { useRef } from 'react';

/** Returns what the content of the dialog takes. What had the focus and is gone leaves it to the screen. */
export function useFocusBack(isOpen: boolean) {
  const opener = useRef<Element | null>(null);
  const wasOpen = useRef(false);
  // Before a field in the dialog takes the focus, which happens before any effect.
  if (isOpen && !wasOpen.current) opener.current = document.activeElement;
  wasOpen.current = isOpen;
  return {
    onCloseAutoFocus: (event: Event) => {
      event.preventDefault();
      const { current } = opener;
      const isThere = current instanceof HTMLElement && current.isConnected;
      (isThere ? current : document.getElementById('content'))?.focus();
    },
  };
}
