/** Something that a click asks of the supervisor: busy meanwhile, then a message that it is done, or why not. */
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { explain } from '../connection.ts';
import { toast } from './toast.tsx';

export interface Action {
  readonly isBusy: boolean;
  /** Why the last one failed, in a sentence; null where it did not. */
  readonly failure: string | null;
  /** Does the work and says what was done; returns whether it could be. What is cached is read anew. */
  readonly act: (work: () => Promise<unknown>, done: string) => Promise<boolean>;
  readonly forget: () => void;
}

/** @param isToasted says failures in a toast; where a dialog shows them itself, false */
export function useAction(isToasted = true): Action {
  const queries = useQueryClient();
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const act = async (work: () => Promise<unknown>, done: string) => {
    setBusy(true);
    setFailure(null);
    try {
      await work();
      toast(done);
      void queries.invalidateQueries();
      return true;
    } catch (error) {
      setFailure(explain(error));
      if (isToasted) toast(explain(error), true);
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { isBusy, failure, act, forget: () => setFailure(null) };
}
