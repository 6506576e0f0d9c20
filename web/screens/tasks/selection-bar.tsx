/** What is chosen, and what can be done with it: at the foot of the list, so that no row moves. */
import { Button } from '../../ui/page.tsx';
import type { Verb } from './bulk.ts';
import { NOTHING, type Selection } from './selection.ts';
import type { TaskList } from './task-list.ts';

interface SelectionBarProps {
  readonly list: TaskList;
  readonly selection: Selection;
  readonly onSelection: (selection: Selection) => void;
  readonly onVerb: (verb: Verb) => void;
}

export function SelectionBar({ list, selection, onSelection, onVerb }: SelectionBarProps) {
  const isAll = selection.kind === 'all';
  return (
    <section
      aria-label="Selected tasks"
      className="flex flex-wrap items-center gap-2 border-t border-accent bg-accent-soft/50 px-4 py-1.5"
    >
      <span role="status" className="font-medium tabular-nums">
        {isAll
          ? 'All that match the filter'
          : `${selection.ids.size.toLocaleString('en')} selected`}
      </span>
      {isAll || (!list.hasMore && selection.ids.size < list.count) ? null : (
        <button
          type="button"
          onClick={() => onSelection({ kind: 'all' })}
          className="rounded px-1.5 text-accent hover:underline"
        >
          Select all that match
        </button>
      )}
      <button
        type="button"
        onClick={() => onSelection(NOTHING)}
        className="rounded px-1.5 text-soft hover:text-text hover:underline"
      >
        Select none
      </button>
      <span className="grow" />
      <Button onClick={() => onVerb('cancel')}>Cancel…</Button>
      <Button onClick={() => onVerb('retry')}>Retry…</Button>
      <Button kind="danger" onClick={() => onVerb('delete')}>
        Delete…
      </Button>
    </section>
  );
}
