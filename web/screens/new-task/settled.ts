/** A value that has settled: for questions that are not to be asked with every key. */
import { useEffect, useState } from 'react';

const SETTLED_MS = 250;

/** Returns the text as it was when it had not changed for a moment. */
export function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), SETTLED_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}
