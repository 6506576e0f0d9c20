/** Asks before something is done that cannot be undone, with a note for the history where the action takes one. */
import { type RefObject, useEffect, useId, useRef, useState } from 'react';

export interface Question {
  readonly title: string;
  readonly text: string;
  /** On the button that does it. */
  readonly verb: string;
  readonly isDanger?: boolean;
  readonly takesNote?: boolean;
  /** One of these has to be chosen. */
  readonly choices?: readonly { readonly value: string; readonly label: string }[];
  readonly onConfirm: (answer: { readonly note: string; readonly choice: string }) => void;
}

/**
 * Shows the question while there is one.
 *
 * A dialog of the browser's own, which keeps the focus inside and closes with Escape: libraries for it write style elements, and
 * the content security policy allows none.
 */
export function Confirm(props: {
  readonly question: Question | null;
  readonly onClose: () => void;
}) {
  const { question, onClose } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const leave = useRef<HTMLButtonElement>(null);
  const titleId = useId();
  useEffect(() => {
    if (question === null) return;
    dialog.current?.showModal();
    // The safe answer is the one that Enter gives.
    leave.current?.focus();
  }, [question]);
  // Closed by itself, it gives the focus back to where it was, and says so.
  const close = () => dialog.current?.close();
  if (question === null) return null;
  return (
    <dialog
      ref={dialog}
      role="alertdialog"
      aria-labelledby={titleId}
      onClose={onClose}
      className="mx-auto mt-24 w-[28rem] max-w-[calc(100vw-2rem)] rounded-xl border border-line bg-panel p-5 text-text shadow-xl backdrop:bg-black/40"
    >
      <Form question={question} titleId={titleId} leave={leave} onClose={close} />
    </dialog>
  );
}

function Form({
  question,
  titleId,
  leave,
  onClose,
}: {
  readonly question: Question;
  readonly titleId: string;
  readonly leave: RefObject<HTMLButtonElement | null>;
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
      <h2 id={titleId} className="text-base font-semibold">
        {title}
      </h2>
      <p className="mt-1.5 text-soft">{text}</p>
      {choices.length === 0 ? null : (
        <Choices choices={choices} chosen={choice} onChoose={setChoice} />
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
        <button
          ref={leave}
          type="button"
          onClick={onClose}
          className="rounded-md border border-line px-3 py-1.5 hover:bg-raised"
        >
          Leave it
        </button>
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

function Choices(props: {
  readonly choices: NonNullable<Question['choices']>;
  readonly chosen: string;
  readonly onChoose: (value: string) => void;
}) {
  return (
    <fieldset className="mt-3 flex flex-col gap-1.5">
      <legend className="sr-only">What became of it</legend>
      {props.choices.map(({ value, label }) => (
        <label key={value} className="flex items-baseline gap-2">
          <input
            type="radio"
            name="choice"
            checked={props.chosen === value}
            onChange={() => props.onChoose(value)}
            className="accent-accent"
          />
          {label}
        </label>
      ))}
    </fieldset>
  );
}
