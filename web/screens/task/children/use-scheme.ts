/** The colours in force, for what is drawn and does not follow them by itself. */
import { useEffect, useState } from 'react';
import { useTheme } from '../../../theme.ts';

/** Changes with the colours of the page. */
export function useScheme(): string {
  const choice = useTheme();
  const [isDark, setDark] = useState(false);
  useEffect(() => {
    const query = matchMedia('(prefers-color-scheme: dark)');
    const read = () => setDark(query.matches);
    read();
    query.addEventListener('change', read);
    return () => query.removeEventListener('change', read);
  }, []);
  return `${choice} ${isDark}`;
}
