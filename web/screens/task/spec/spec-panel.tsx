/** What was asked for: the action, where it is to run, the policy; and the same again to be typed. */
import { useState } from 'react';
import type { Task } from '../../../../proto/gen/muster/v1/task_pb.ts';
import { Empty, Panel } from '../../../ui/page.tsx';
import { copy } from '../copy.ts';
import { bufCommand, commandLine, curlCommand } from './commands.ts';
import { type Line, policyLines, sourceOf, targetLines } from './spec-lines.ts';

export function SpecPanel({ task }: { readonly task: Task }) {
  const { spec } = task;
  if (spec === undefined) return <Empty>The spec is not known.</Empty>;
  const source = sourceOf(spec);
  return (
    <div className="grid gap-4 xl:grid-cols-[minmax(0,1fr)_24rem]">
      <div className="flex min-w-0 flex-col gap-4">
        <Panel
          title={source.title}
          actions={source.text === '' ? null : <CopyButton text={source.text} name="Copy" />}
        >
          {source.text === '' ? null : <Numbered text={source.text} />}
          <Lines lines={source.lines} />
        </Panel>
        <Commands spec={spec} />
      </div>
      <div className="flex min-w-0 flex-col gap-4">
        <Panel title="Target">
          <Lines lines={targetLines(task, spec)} />
        </Panel>
        <Panel title="Policy">
          <Lines lines={policyLines(spec)} />
        </Panel>
      </div>
    </div>
  );
}

function Lines({ lines }: { readonly lines: readonly Line[] }) {
  if (lines.length === 0) return null;
  return (
    <dl className="grid grid-cols-[max-content_minmax(0,1fr)] gap-x-5 gap-y-1.5 px-4 py-3">
      {lines.map(({ name, value, isDefault = false }) => (
        <div key={name} className="contents">
          <dt className="text-soft">{name}</dt>
          <dd className={`break-words whitespace-pre-wrap ${isDefault ? 'text-soft' : ''}`}>
            {value}
            {isDefault ? <span className="text-xs"> (default)</span> : null}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** Text with the numbers of its lines; these are not copied with it. */
function Numbered({ text }: { readonly text: string }) {
  const lines = text.replace(/\n$/, '').split('\n');
  return (
    <div
      tabIndex={0}
      role="region"
      aria-label="Text"
      className="max-h-[32rem] overflow-auto border-b border-line last:border-b-0"
    >
      <ol className="w-max min-w-full py-2 font-mono text-[13px] leading-5">
        {lines.map((line, index) => (
          <li
            // Lines have no names but their numbers.
            key={`${index + 1}`}
            className="grid grid-cols-[3.5rem_auto] hover:bg-raised"
          >
            <span aria-hidden className="pr-3 text-right text-soft/70 select-none">
              {index + 1}
            </span>
            <span className="pr-4 whitespace-pre">{line === '' ? ' ' : line}</span>
          </li>
        ))}
      </ol>
    </div>
  );
}

const FORMS = ['Command line', 'curl', 'buf curl'] as const;

function Commands({ spec }: { readonly spec: NonNullable<Task['spec']> }) {
  const [form, setForm] = useState<(typeof FORMS)[number]>('Command line');
  const text =
    form === 'Command line'
      ? commandLine(spec)
      : form === 'curl'
        ? curlCommand(spec, location.origin)
        : bufCommand(spec, location.origin);
  return (
    <Panel title="The same again" actions={<CopyButton text={text} name="Copy" />}>
      <div role="tablist" aria-label="Form" className="flex gap-1 px-4 pt-2">
        {FORMS.map((one) => (
          <button
            key={one}
            type="button"
            role="tab"
            aria-selected={one === form}
            onClick={() => setForm(one)}
            className={`rounded-md px-2.5 py-1 ${one === form ? 'bg-accent-soft font-medium' : 'text-soft hover:bg-raised'}`}
          >
            {one}
          </button>
        ))}
      </div>
      <pre
        tabIndex={0}
        aria-label={form}
        className="m-4 mt-2 max-h-72 overflow-auto rounded-md bg-raised px-3 py-2 font-mono text-[13px] leading-5"
      >
        {text}
      </pre>
      {form === 'Command line' ? null : (
        <p className="px-4 pb-3 text-xs text-soft">
          The token is taken from MUSTER_TOKEN
          {form === 'buf curl' ? '; run it in the folder of Muster, for its proto/' : ''}.
        </p>
      )}
    </Panel>
  );
}

function CopyButton({ text, name }: { readonly text: string; readonly name: string }) {
  return (
    <button
      type="button"
      onClick={() => void copy(text)}
      className="rounded-md border border-line px-2 py-0.5 text-xs hover:bg-raised"
    >
      {name}
    </button>
  );
}
