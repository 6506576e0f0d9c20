/** The same as a command line, to be copied. */
import { writeClipboard } from '../../plain-http.ts';
import { Button, Panel } from '../../ui/page.tsx';
import { toast } from '../../ui/toast.tsx';
import { type CommandLine, toCommandLine } from './command-line.ts';
import { useForm } from './fields.tsx';
import type { FormState } from './form-state.ts';
import { problemsOf } from './sending.ts';

const WORDS: Readonly<Record<string, string>> = {
  retryInitial: 'the first wait',
  retryMax: 'the longest wait',
  stopGrace: 'the stop grace',
  lostAfter: 'when a node counts as lost',
  stdin: 'standard input (write it to a file and add --stdin FILE)',
  start: 'the start',
  priority: 'the priority',
  name: 'the name',
};

export function CommandLinePart() {
  const { form } = useForm();
  const line = lineOf(form);
  const copy = async (text: string) => {
    try {
      await writeClipboard(text);
      toast('The command line is copied');
    } catch {
      toast('The browser does not let a page copy here: select the text and copy it', true);
    }
  };
  const text = typeof line === 'string' ? null : line.text;
  return (
    <Panel
      title="As a command line"
      actions={
        <Button isDisabled={text === null} onClick={() => void copy(text ?? '')}>
          Copy
        </Button>
      }
    >
      <div className="flex flex-col gap-2 p-4">
        {typeof line === 'string' ? (
          <p className="text-soft">{line}</p>
        ) : (
          <pre
            tabIndex={0}
            className="max-h-64 overflow-auto font-mono text-[13px] wrap-anywhere whitespace-pre-wrap"
          >
            {line.text}
          </pre>
        )}
        {typeof line === 'string' || line.without.length === 0 ? null : (
          <p className="text-[13px] text-warn">
            There is no flag for {line.without.map((field) => WORDS[field] ?? field).join(', ')}.
          </p>
        )}
      </div>
    </Panel>
  );
}

/** The command line, or why there is none. */
function lineOf(form: FormState): CommandLine | string {
  if (problemsOf(form).length > 0) return 'It is shown here once the form says what to do.';
  try {
    return toCommandLine(form);
  } catch (error) {
    return (error as Error).message;
  }
}
