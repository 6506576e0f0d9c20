/** The name of the tab of the browser: what tells one tab of many from the others. */
import { useEffect } from 'react';

/** Returns the title of a path: what it names, then its screen. */
export function titleOf(path: string): string {
  const [screen = '', item = ''] = path.split('/').slice(1);
  const words = screen === '' ? 'overview' : screen === 'login' ? 'log in' : screen;
  const place = `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
  if (item === 'new') return 'New task · Muster';
  const name = screen === 'tasks' ? item.slice(0, 13) : decoded(item);
  return [...(name === '' ? [] : [name]), place, 'Muster'].join(' · ');
}

/** What is no encoding stays as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Names the tab while the component is shown: more than its path can say. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Muster`;
  }, [title]);
  useEffect(
    () => () => {
      document.title = titleOf(location.pathname);
    },
    [],
  );
}
