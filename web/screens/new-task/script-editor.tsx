/**
 * The editor of a script: a text area with the numbers of its lines.
 *
 * Tab indents, and Shift+Tab takes an indentation off. Who moves by keyboard gets out with Escape, which lets the next Tab go on to
 * the next field; the note below says so.
 */
import { type KeyboardEvent, useId, useRef } from 'react';
import { useForm } from './fields.tsx';
import { indentLines } from './indent.ts';

const ROWS = 10;
const MAX_ROWS = 30;

export function ScriptEditor() {
  const { form, set, problems } = useForm();
  const numbers = useRef<HTMLDivElement>(null);
  /** Escape was pressed last: Tab leaves the editor. */
  const isLeaving = useRef(false);
  const id = useId();
  const problem = problems.find(({ field }) => field === 'body');
  const count = form.body.split('\n').length;
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    const leaves = isLeaving.current;
    isLeaving.current = event.key === 'Escape' || (leaves && event.key === 'Shift');
    if (event.key !== 'Tab' || leaves || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const area = event.currentTarget;
    const { text, start, end } = indentLines(
      { text: area.value, start: area.selectionStart, end: area.selectionEnd },
      event.shiftKey,
    );
    // Through the area itself, so that it can be undone; where that is not to be had, the form sets it.
    area.setSelectionRange(0, area.value.length);
    if (!document.execCommand('insertText', false, text)) set({ body: text });
    area.setSelectionRange(start, end);
  };
  return (
    <div className="flex flex-col gap-1">
      <label htmlFor={id} className="text-[13px] text-soft">
        Script
      </label>
      <div className="flex overflow-hidden rounded-md border border-line bg-page font-mono text-[13px] leading-5 focus-within:outline-2 focus-within:outline-offset-2 focus-within:outline-accent">
        <div
          ref={numbers}
          aria-hidden
          className="overflow-hidden border-r border-line bg-raised py-2 pr-2 pl-3 text-right whitespace-pre text-soft select-none"
          style={{ height: `${heightOf(count)}px` }}
        >
          {Array.from({ length: count }, (_, index) => index + 1).join('\n')}
        </div>
        <textarea
          id={id}
          value={form.body}
          onChange={(event) => set({ body: event.target.value })}
          onKeyDown={onKeyDown}
          onScroll={(event) => {
            if (numbers.current !== null) numbers.current.scrollTop = event.currentTarget.scrollTop;
          }}
          aria-describedby={`${id}-note`}
          aria-invalid={problem !== undefined}
          wrap="off"
          spellCheck={false}
          autoCapitalize="off"
          autoComplete="off"
          placeholder={'set -eu\nuptime'}
          className="grow resize-none overflow-auto bg-transparent px-3 py-2 whitespace-pre outline-none! placeholder:text-soft"
          style={{ height: `${heightOf(count)}px`, tabSize: 4 }}
        />
      </div>
      <div id={`${id}-note`} className="text-[13px]">
        {problem === undefined ? (
          <span className="text-soft">Tab indents; Escape, then Tab, leaves the editor</span>
        ) : (
          <span className="text-bad">{problem.text}</span>
        )}
      </div>
    </div>
  );
}

/** It grows with the text, up to a bound. */
function heightOf(lines: number): number {
  return Math.min(Math.max(lines + 1, ROWS), MAX_ROWS) * 20 + 16;
}
