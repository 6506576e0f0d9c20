/**
 * A new task, or a new schedule of one.
 *
 * `?from=ID` fills the form with the spec of a task, `?node=ID` chooses a node, `?as=schedule` begins with a schedule. What is typed is kept
 * as a draft (draft.ts).
 */
import { useQuery } from '@tanstack/react-query';
import { Link, useLocation, useSearch } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { explain, tasks } from '../../connection.ts';
import { Button, Failure, Page } from '../../ui/page.tsx';
import { ActionPart } from './action-part.tsx';
import { CommandLinePart } from './command-line-part.tsx';
import type { Draft, DraftPlace } from './draft.ts';
import { FormProvider } from './fields.tsx';
import { EMPTY, type FormState } from './form-state.ts';
import { toRunAgain } from './from-spec.ts';
import { useKnown } from './known.ts';
import { PolicyPart } from './policy-part.tsx';
import { problemsOf, useSending } from './sending.ts';
import { StartPart } from './start-part.tsx';
import { TargetPart } from './target-part.tsx';
import { useDraft } from './use-draft.ts';

export function Screen() {
  const { from, node, as } = useSearch({ strict: false }) as Readonly<Record<string, string>>;
  const entry = useLocation({ select: ({ state }) => state.__TSR_key ?? '' });
  const { data, error } = useQuery({
    queryKey: ['new-task', 'from', from],
    queryFn: ({ signal }) => tasks.getTask({ id: from ?? '' }, { signal }),
    enabled: from !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  if (from !== undefined && error !== null) {
    return (
      <Page title="New task">
        <Failure>
          {explain(error)}. <Link to="/tasks/new">Begin with an empty form</Link>
        </Failure>
      </Page>
    );
  }
  if (from !== undefined && data === undefined) {
    return (
      <Page title="Run again">
        <p className="text-soft">Reading the task …</p>
      </Page>
    );
  }
  const spec = data?.task?.spec;
  const first: FormState = {
    ...(from === undefined || spec === undefined ? EMPTY : toRunAgain(spec)),
    ...(node === undefined ? {} : { target: 'node', node }),
    ...(as === 'schedule' ? { start: 'schedule' } : {}),
  };
  const given = { from, node, as };
  const address = Object.values(given).every((value) => value === undefined)
    ? ''
    : JSON.stringify(given);
  const place = { address, entry };
  // Another address is another form, and so is a link that is followed once more.
  const key = address === '' ? '' : `${entry} ${address}`;
  return <Form key={key} place={place} first={first} from={from} name={data?.task?.name} />;
}

function Form({
  place,
  first,
  from,
  name,
}: {
  readonly place: DraftPlace;
  readonly first: FormState;
  readonly from: string | undefined;
  readonly name: string | undefined;
}) {
  const { form, set, restored, isChanged, clear, end } = useDraft(place, first);
  const [isTried, setTried] = useState(false);
  const element = useRef<HTMLFormElement>(null);
  const known = useKnown();
  const { isBusy, failure, send } = useSending(end);
  const problems = problemsOf(form);
  const submit = () => {
    setTried(true);
    if (problems.length === 0) return void send(form);
    // Once they are shown.
    requestAnimationFrame(() => {
      element.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus();
    });
  };
  const clearAll = () => {
    clear();
    setTried(false);
    element.current?.querySelector<HTMLElement>('input, textarea, select')?.focus();
  };
  const isSchedule = form.start === 'schedule';
  return (
    <Page title={titleOf(from, isSchedule)}>
      {from === undefined ? null : <Origin id={from} name={name} />}
      {restored === null ? null : <Restored draft={restored} onClear={clearAll} />}
      <FormProvider value={{ form, set, problems: isTried ? problems : [] }}>
        <form
          ref={element}
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            submit();
          }}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
            event.preventDefault();
            submit();
          }}
          className="grid items-start gap-4 lg:grid-cols-[minmax(0,1fr)_25rem]"
        >
          <div className="flex min-w-0 flex-col gap-4">
            <ActionPart known={known} />
            <TargetPart known={known} />
            <PolicyPart />
          </div>
          <div className="flex min-w-0 flex-col gap-4 lg:sticky lg:top-4">
            <StartPart />
            <SendPart
              label={isSchedule ? 'Create schedule' : form.start === 'now' ? 'Run' : 'Create task'}
              failure={failure}
              missing={isTried ? problems.length : 0}
              isBusy={isBusy}
              onClear={isChanged ? clearAll : null}
            />
            <CommandLinePart />
          </div>
        </form>
      </FormProvider>
    </Page>
  );
}

/** Which task it is that is run again. */
function Origin({ id, name }: { readonly id: string; readonly name: string | undefined }) {
  return (
    <p className="-mt-3 text-soft">
      As{' '}
      <Link to="/tasks/$taskId" params={{ taskId: id }} className="text-accent underline">
        {name ?? id}
      </Link>
      , with what you change here.
    </p>
  );
}

/** Says that the form is not empty because it was left so. */
function Restored({ draft, onClear }: { readonly draft: Draft; readonly onClear: () => void }) {
  return (
    <div
      role="status"
      className="flex flex-wrap items-center gap-x-3 gap-y-2 rounded-lg border border-line bg-panel px-4 py-2"
    >
      <p className="grow">
        This is what you typed before.
        {draft.leftOut.length === 0 ? null : (
          <span className="text-warn">
            {' '}
            Not kept, because it looks secret: {draft.leftOut.join(', ')}.
          </span>
        )}
      </p>
      <Button onClick={onClear}>Begin anew</Button>
    </div>
  );
}

function SendPart({
  label,
  failure,
  missing,
  isBusy,
  onClear,
}: {
  readonly label: string;
  readonly failure: string | null;
  /** How many fields cannot be read. */
  readonly missing: number;
  readonly isBusy: boolean;
  /** Takes back what was typed; null where nothing was. */
  readonly onClear: (() => void) | null;
}) {
  return (
    <>
      {failure === null ? null : <Failure>{failure}</Failure>}
      {missing === 0 ? null : (
        <p role="alert" className="text-bad">
          {missing === 1 ? 'One field needs' : `${missing} fields need`} your attention
        </p>
      )}
      <div className="grid grid-cols-[1fr_auto] gap-2">
        <Button kind="main" type="submit" isDisabled={isBusy} title="Ctrl+Enter">
          {label}
        </Button>
        <Button isDisabled={onClear === null || isBusy} onClick={() => onClear?.()}>
          Clear
        </Button>
      </div>
    </>
  );
}

function titleOf(from: string | undefined, isSchedule: boolean): string {
  if (isSchedule) return 'New schedule';
  return from === undefined ? 'New task' : 'Run again';
}
