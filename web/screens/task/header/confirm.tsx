/** Asks before something is done that cannot be undone, with a note for the history where the action takes one. */
import { AlertDialog } from 'radix-ui';
import { type ReactNode, useId, useState } from 'react';

export interface Question {
  readonly title: string;
  readonly text: ReactNode;
  /** On the button that does it. */
  readonly verb: string;
  readonly isDanger?: boolean;
  readonly takesNote?: boolean;
  /** One of these has to be chosen. */
  readonly choices?: readonly { readonly value: string; readonly label: string }[];
  readonly onConfirm: (answer: { readonly note: string; readonly choice: string }) => void;
}

/** Shows the question while there is one. */
export function Confirm(props: {
  readonly question: Question | null;
  readonly onClose: () => void;
}) {
  const { question, onClose } = props;
  return (
    <AlertDialog.Root open={question !== null} onOpenChange={(open) => !open && onClose()}>
      <AlertDialog.Portal>
        <AlertDialog.Overlay className="fixed inset-0 z-40 bg-black/40" />
        <AlertDialog.Content className="fixed top-24 left-1/2 z-50 w-[28rem] max-w-[calc(100vw-2rem)] -translate-x-1/2 rounded-xl border border-line bg-panel p-5 shadow-xl">
          {question === null ? null : <Form question={question} onClose={onClose} />}
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}

function Form({
  question,
  onClose,
}: {
  readonly question: Question;
  readonly onClose: () => void;
}) {
  const { title, text, verb, isDanger = false, takesNote = false, choices = [] } = question;
  const [note, setNote] = useState('');
  const [choice, setChoice] = useState(choices[0]?.value ?? '');
  const noteId = useId();
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onClose();
        question.onConfirm({ note: note.trim(), choice });
      }}
    >
      <AlertDialog.Title className="text-base font-semibold">{title}</AlertDialog.Title>
      <AlertDialog.Description asChild>
        <div className="mt-1.5 text-soft">{text}</div>
      </AlertDialog.Description>
      {choices.length === 0 ? null : (
        <fieldset className="mt-3 flex flex-col gap-1.5">
          <legend className="sr-only">What became of it</legend>
          {choices.map(({ value, label }) => (
            <label key={value} className="flex items-baseline gap-2">
              <input
                type="radio"
                name="choice"
                checked={choice === value}
                onChange={() => setChoice(value)}
                className="accent-accent"
              />
              {label}
            </label>
          ))}
        </fieldset>
      )}
      {takesNote ? (
        <div className="mt-3">
          <label htmlFor={noteId} className="mb-1 block text-xs text-soft">
            Note for the history (optional)
          </label>
          <input
            id={noteId}
            value={note}
            maxLength={250}
            onChange={(event) => setNote(event.target.value)}
            className="w-full rounded-md border border-line bg-page px-2.5 py-1.5"
          />
        </div>
      ) : null}
      <div className="mt-5 flex justify-end gap-2">
        <AlertDialog.Cancel className="rounded-md border border-line px-3 py-1.5 hover:bg-raised">
          Leave it
        </AlertDialog.Cancel>
        <button
          type="submit"
          className={`rounded-md border px-3 py-1.5 font-medium hover:opacity-90 ${isDanger ? 'border-bad bg-bad text-panel' : 'border-accent bg-accent text-accent-text'}`}
        >
          {verb}
        </button>
      </div>
    </form>
  );
}
