/** The form as it is typed, with its draft: read when it is shown, kept while it changes and when the page goes away. */
import { useEffect, useRef, useState } from 'react';
import {
  type Draft,
  type DraftPlace,
  forgetDraft,
  isSame,
  keepDraft,
  readDraft,
  whenForgotten,
} from './draft.ts';
import type { FormState } from './form-state.ts';

/** After the last key. */
const KEEP_AFTER_MS = 500;

export interface Drafted {
  readonly form: FormState;
  readonly set: (part: Partial<FormState>) => void;
  /** What the form began with; null where that was no draft, and once it is cleared. */
  readonly restored: Draft | null;
  readonly isChanged: boolean;
  /** Makes the form what it is without a draft. */
  readonly clear: () => void;
  /** It is sent: nothing is kept of it any more. */
  readonly end: () => void;
}

/** @param first what the form is without a draft; must mean the same for as long as the place is the same */
export function useDraft(place: DraftPlace, first: FormState): Drafted {
  const [restored, setRestored] = useState(() => readDraft(place, first));
  const [form, setForm] = useState(restored?.form ?? first);
  const isOver = useRef(false);
  const keep = () => {
    if (!isOver.current) keepDraft(place, { form, leftOut: restored?.leftOut ?? [] }, first);
  };
  const latest = useRef(keep);
  latest.current = keep;
  useEffect(() => {
    const timer = setTimeout(() => latest.current(), KEEP_AFTER_MS);
    return () => clearTimeout(timer);
  }, [form]);
  useEffect(() => {
    const onLeave = () => latest.current();
    addEventListener('pagehide', onLeave);
    const unsubscribe = whenForgotten(() => {
      isOver.current = true;
    });
    return () => {
      unsubscribe();
      removeEventListener('pagehide', onLeave);
      onLeave();
    };
  }, []);
  return {
    form,
    set: (part) => setForm((before) => ({ ...before, ...part })),
    restored,
    isChanged: !isSame(form, first),
    clear: () => {
      forgetDraft(place);
      setRestored(null);
      setForm(first);
    },
    end: () => {
      isOver.current = true;
      forgetDraft(place);
    },
  };
}
