/** Asks before many tasks are acted on, with their number, and shows what has become of them. */
import { Dialog } from 'radix-ui';
import { useEffect, useRef, useState } from 'react';
import { Link } from '@tanstack/react-router';
import { explain, tasks } from '../../connection.ts';
import { randomText } from '../../plain-http.ts';
import { Backdrop } from '../../ui/backdrop.tsx';
import { useFocusBack } from '../../ui/focus-back.ts';
import { Button, Failure } from '../../ui/page.tsx';
import { Bar } from './bar.tsx';
import { act, countFor, EMPTY, MAX_FAILURES, type Tally, tally, type Verb } from './bulk.ts';
import type { FilterInit } from './filter.ts';

export interface BulkWish {
  readonly verb: Verb;
  readonly filters: readonly FilterInit[];
  /** For example 12 selected tasks. */
  readonly what: string;
  /** Of tasks that are loaded. */
  readonly nameOf: (id: string) => string | null;
}

const WORDS: Readonly<
  Record<
    Verb,
    { title: string; button: string; done: string; which: string; why: string; effect: string }
  >
> = {
  cancel: {
    title: 'Cancel tasks',
    button: 'Cancel',
    done: 'asked to stop',
    which: 'can be cancelled',
    why: 'they are final',
    effect: 'Pending ones end at once; running ones once their processes are gone.',
  },
  retry: {
    title: 'Retry tasks',
    button: 'Retry',
    done: 'created anew',
    which: 'can be retried',
    why: 'they are not final, or children of a fan-out',
    effect: 'Each becomes a new task with the same spec; the former one stays.',
  },
  delete: {
    title: 'Delete tasks',
    button: 'Delete',
    done: 'deleted',
    which: 'can be deleted',
    why: 'they are not final, or children of a fan-out',
    effect: 'Their history and output go with them. This cannot be undone.',
  },
};

export function BulkDialog({
  wish,
  onClose,
}: {
  readonly wish: BulkWish;
  readonly onClose: (isDone: boolean) => void;
}) {
  const words = WORDS[wish.verb];
  const bulk = useBulk(wish);
  const { phase, count, done, fault } = bulk;
  const focusBack = useFocusBack(true);
  return (
    <Dialog.Root
      open
      onOpenChange={(open) => !open && phase !== 'acting' && onClose(phase === 'over')}
    >
      <Dialog.Portal>
        <Backdrop />
        <Dialog.Content
          aria-describedby={undefined}
          {...focusBack}
          className="fixed top-24 left-1/2 z-50 flex max-h-[75vh] w-[34rem] max-w-[92vw] -translate-x-1/2 flex-col gap-3 rounded-xl border border-line bg-panel p-5 shadow-xl"
        >
          <Dialog.Title className="text-base font-semibold">{words.title}</Dialog.Title>
          {fault === null ? null : <Failure>{fault}</Failure>}
          {phase === 'asking' ? (
            <p aria-live="polite">
              <Question count={count} what={wish.what} which={words.which} why={words.why} />{' '}
              {count === null || count === 0 ? null : (
                <span className="text-soft">{words.effect}</span>
              )}
            </p>
          ) : (
            <Progress count={count ?? 0} tally={done} word={words.done} />
          )}
          <Failures tally={done} nameOf={wish.nameOf} />
          <div className="flex justify-end gap-2">
            {phase === 'acting' ? (
              <Button onClick={bulk.stop} title="Those that were acted on stay so">
                Stop here
              </Button>
            ) : (
              <Button onClick={() => onClose(phase === 'over')}>Close</Button>
            )}
            {phase === 'asking' ? (
              <Button
                kind={wish.verb === 'retry' ? 'main' : 'danger'}
                isDisabled={count === null || count === 0}
                onClick={() => void bulk.start()}
              >
                {words.button} {count === null || count === 0 ? '' : count.toLocaleString('en')}
              </Button>
            ) : null}
          </div>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

/** Counts at once; acts when told to. */
function useBulk({ verb, filters }: BulkWish) {
  const [phase, setPhase] = useState<'asking' | 'acting' | 'over'>('asking');
  const [count, setCount] = useState<number | null>(null);
  const [done, setDone] = useState<Tally>(EMPTY);
  const [fault, setFault] = useState<string | null>(null);
  const controller = useRef<AbortController | null>(null);
  useEffect(() => {
    countFor(verb, filters).then(setCount, (error: unknown) => setFault(explain(error)));
    return () => controller.current?.abort();
  }, [verb, filters]);
  const start = async () => {
    const { signal } = (controller.current = new AbortController());
    setPhase('acting');
    let sum = EMPTY;
    // Drawn now and then: there may be thousands a second.
    const timer = setInterval(() => setDone(sum), 100);
    try {
      for await (const result of act(verb, filters, randomText(), signal)) {
        sum = tally(sum, result);
      }
    } catch (error) {
      if (!signal.aborted) setFault(explain(error));
    }
    clearInterval(timer);
    setDone(sum);
    setPhase('over');
  };
  return { phase, count, done, fault, start, stop: () => controller.current?.abort() };
}

interface QuestionProps {
  readonly count: number | null;
  readonly what: string;
  readonly which: string;
  readonly why: string;
}

function Question({ count, what, which, why }: QuestionProps) {
  if (count === null) return <>Counting…</>;
  if (count === 0)
    return (
      <>
        None of {what} {which}: {why}.
      </>
    );
  return (
    <>
      <strong className="tabular-nums">{count.toLocaleString('en')}</strong> of {what} {which}.
    </>
  );
}

function Progress({
  count,
  tally: { done, failed },
  word,
}: {
  readonly count: number;
  readonly tally: Tally;
  readonly word: string;
}) {
  return (
    <div aria-live="polite" className="flex flex-col gap-2">
      <Bar share={(done + failed) / Math.max(count, done + failed, 1)} label="Progress" />
      <p className="tabular-nums">
        {done.toLocaleString('en')} of {count.toLocaleString('en')} {word}
        {failed === 0 ? null : <span className="text-bad"> · {failed} could not be</span>}
      </p>
    </div>
  );
}

function Failures({
  tally: { failed, failures },
  nameOf,
}: {
  readonly tally: Tally;
  readonly nameOf: (id: string) => string | null;
}) {
  const names = useNames(failures.map(({ id }) => id).filter((id) => nameOf(id) === null));
  if (failures.length === 0) return null;
  return (
    <div className="min-h-0 overflow-auto rounded-lg border border-line">
      <table className="w-full">
        <caption className="sr-only">What could not be done</caption>
        <tbody>
          {failures.map(({ id, errorMessage }) => (
            <tr key={id} className="border-b border-line/60 align-top last:border-0">
              <th scope="row" className="px-3 py-1.5 text-left font-medium">
                <Link to="/tasks/$taskId" params={{ taskId: id }} className="hover:underline">
                  {nameOf(id) ?? names.get(id) ?? id}
                </Link>
              </th>
              <td className="px-3 py-1.5 text-bad">{errorMessage}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {failed > MAX_FAILURES ? (
        <p className="px-3 py-1.5 text-soft">and {failed - MAX_FAILURES} more</p>
      ) : null}
    </div>
  );
}

/** Names of tasks that are not loaded. */
function useNames(ids: readonly string[]): ReadonlyMap<string, string> {
  const [names, setNames] = useState<ReadonlyMap<string, string>>(new Map());
  const key = ids.join(' ');
  useEffect(() => {
    if (key === '') return;
    // Without an answer the ids stand for the names.
    tasks.listTasks({ filter: { ids: key.split(' ') }, pageSize: 200 }).then(
      ({ tasks: found }) => setNames(new Map(found.map(({ id, name }) => [id, name]))),
      () => {},
    );
  }, [key]);
  return names;
}
