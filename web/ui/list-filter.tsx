/** What stands above a list that is wholly in memory: a text to look for, and a choice of states with their counts. */

export function SearchInput({
  label,
  placeholder,
  value,
  onChange,
}: {
  readonly label: string;
  readonly placeholder: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}) {
  return (
    <input
      type="search"
      data-search
      aria-label={label}
      placeholder={placeholder}
      value={value}
      onChange={(event) => onChange(event.target.value)}
      className="w-80 max-w-full rounded-md border border-line bg-panel px-3 py-1.5 placeholder:text-soft"
    />
  );
}

/** @param count how many are in a state; of the empty word, in all */
export function StateChoice({
  words,
  state,
  count,
  onChange,
}: {
  readonly words: readonly string[];
  readonly state: string;
  readonly count: (word: string) => number;
  readonly onChange: (word: string) => void;
}) {
  return (
    <div role="group" aria-label="State" className="flex rounded-md border border-line bg-panel">
      {['', ...words].map((word) => (
        <button
          key={word}
          type="button"
          aria-pressed={state === word}
          onClick={() => onChange(word)}
          className="px-2.5 py-1.5 text-soft first:rounded-l-md last:rounded-r-md hover:bg-raised aria-pressed:bg-accent-soft aria-pressed:font-medium aria-pressed:text-text"
        >
          {word || 'all'}
          <span className="ml-1.5 text-xs tabular-nums">{count(word)}</span>
        </button>
      ))}
    </div>
  );
}
