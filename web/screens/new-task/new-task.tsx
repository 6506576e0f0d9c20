/**
 * A new task, or a new schedule of one.
 *
 * `?from=ID` fills the form with the spec of a task, `?node=ID` chooses a node, `?as=schedule` begins with a schedule.
 */
import { useQuery } from '@tanstack/react-query';
import { Link, useSearch } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { explain, tasks } from '../../connection.ts';
import { Button, Failure, Page } from '../../ui/page.tsx';
import { ActionPart } from './action-part.tsx';
import { CommandLinePart } from './command-line-part.tsx';
import { FormProvider } from './fields.tsx';
import { EMPTY, type FormState } from './form-state.ts';
import { toRunAgain } from './from-spec.ts';
import { useKnown } from './known.ts';
import { PolicyPart } from './policy-part.tsx';
import { problemsOf, useSending } from './sending.ts';
import { StartPart } from './start-part.tsx';
import { TargetPart } from './target-part.tsx';

export function Screen() {
  const { from, node, as } = useSearch({ strict: false }) as Readonly<Record<string, string>>;
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
  // Another address is another form.
  return <Form key={`${from} ${node} ${as}`} first={first} from={from} name={data?.task?.name} />;
}

function Form({
  first,
  from,
  name,
}: {
  readonly first: FormState;
  readonly from: string | undefined;
  readonly name: string | undefined;
}) {
  const [form, setForm] = useState(first);
  const [isTried, setTried] = useState(false);
  const element = useRef<HTMLFormElement>(null);
  const known = useKnown();
  const { isBusy, failure, send } = useSending();
  const problems = problemsOf(form);
  const set = (part: Partial<FormState>) => setForm((before) => ({ ...before, ...part }));
  const submit = () => {
    setTried(true);
    if (problems.length === 0) return void send(form);
    // Once they are shown.
    requestAnimationFrame(() => {
      element.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus();
    });
  };
  const isSchedule = form.start === 'schedule';
  return (
    <Page title={titleOf(from, isSchedule)}>
      {from === undefined ? null : (
        <p className="-mt-3 text-soft">
          As{' '}
          <Link to="/tasks/$taskId" params={{ taskId: from }} className="text-accent underline">
            {name ?? from}
          </Link>
          , with what you change here.
        </p>
      )}
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
            />
            <CommandLinePart />
          </div>
        </form>
      </FormProvider>
    </Page>
  );
}

function SendPart({
  label,
  failure,
  missing,
  isBusy,
}: {
  readonly label: string;
  readonly failure: string | null;
  /** How many fields cannot be read. */
  readonly missing: number;
  readonly isBusy: boolean;
}) {
  return (
    <>
      {failure === null ? null : <Failure>{failure}</Failure>}
      {missing === 0 ? null : (
        <p role="alert" className="text-bad">
          {missing === 1 ? 'One field needs' : `${missing} fields need`} your attention
        </p>
      )}
      <Button kind="main" type="submit" isDisabled={isBusy} title="Ctrl+Enter">
        {label}
      </Button>
    </>
  );
}

function titleOf(from: string | undefined, isSchedule: boolean): string {
  if (isSchedule) return 'New schedule';
  return from === undefined ? 'New task' : 'Run again';
}
