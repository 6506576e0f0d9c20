/** The filter bar: conditions as chips that can be taken away, and a field with completion for more of them. */
import { type KeyboardEvent, useId, useState } from 'react';
import { accept, type KnownValues, type Offer, offersFor } from './completion.ts';
import { addTokens, parseText, removeToken, type Token, tokenText } from './filter.ts';

interface BarProps {
  readonly tokens: readonly Token[];
  readonly known: KnownValues;
  readonly onChange: (tokens: readonly Token[]) => void;
}

export function FilterBar({ tokens, known, onChange }: BarProps) {
  const { text, fault, offers, chosen, isOpen, ...field } = useField({ tokens, known, onChange });
  const listId = useId();
  const faultId = useId();
  return (
    <div className="relative min-w-72 grow basis-72">
      <div className="flex flex-wrap items-center gap-1.5 rounded-lg border border-line bg-panel px-2 py-1 focus-within:border-accent">
        <span aria-hidden className="px-0.5 text-soft">
          ⌕
        </span>
        {tokens.map((token) => (
          <Chip
            key={tokenText(token)}
            token={token}
            onRemove={() => onChange(removeToken(tokens, token))}
          />
        ))}
        <input
          data-search
          role="combobox"
          aria-label="Filter tasks"
          aria-expanded={isOpen}
          aria-controls={listId}
          aria-autocomplete="list"
          aria-activedescendant={isOpen && chosen >= 0 ? `${listId}-${chosen}` : undefined}
          aria-describedby={fault === null ? undefined : faultId}
          aria-invalid={fault !== null}
          autoComplete="off"
          spellCheck={false}
          placeholder={
            tokens.length === 0
              ? 'Filter: deploy state:failed node:web-1 label:role=web since:1h'
              : ''
          }
          value={text}
          onChange={(event) => field.onText(event.target.value)}
          onFocus={() => field.onFocus(true)}
          onBlur={() => field.onFocus(false)}
          onKeyDown={field.onKey}
          className="min-w-40 grow bg-transparent py-0.5 !outline-none placeholder:text-soft"
        />
        {tokens.length === 0 ? null : (
          <button
            type="button"
            onClick={() => onChange([])}
            className="rounded px-1.5 text-soft hover:bg-raised hover:text-text"
          >
            Clear
          </button>
        )}
      </div>
      {fault === null ? null : (
        <p id={faultId} role="alert" className="mt-1 text-bad">
          {fault}
        </p>
      )}
      {isOpen ? <Offers id={listId} offers={offers} chosen={chosen} onTake={field.onTake} /> : null}
    </div>
  );
}

function useField({ tokens, known, onChange }: BarProps) {
  const [text, setText] = useState('');
  const [fault, setFault] = useState<string | null>(null);
  const [isFocused, setFocused] = useState(false);
  const [chosen, setChosen] = useState(-1);
  // What was found is not covered by further offers, until somebody wants them.
  const [isDone, setDone] = useState(false);
  const offers = isFocused && !isDone ? offersFor(text, known) : [];
  const onText = (next: string) => {
    setText(next);
    setFault(null);
    setChosen(-1);
    setDone(false);
  };
  const commit = (typed: string) => {
    const { tokens: added, fault: why } = parseText(typed);
    setFault(why);
    if (why !== null) return;
    if (added.length > 0) onChange(addTokens(tokens, added));
    onText('');
    setDone(added.length > 0);
  };
  const onTake = (offer: Offer) => {
    const next = accept(text, offer);
    if (offer.isWhole) commit(next);
    else onText(next);
  };
  const onKey = (event: KeyboardEvent<HTMLInputElement>) => {
    const { key, currentTarget } = event;
    if (key === 'ArrowDown' || key === 'ArrowUp') {
      event.preventDefault();
      setDone(false);
      const step = key === 'ArrowDown' ? 1 : -1;
      setChosen((former) => Math.min(Math.max(former + step, -1), offers.length - 1));
    } else if (key === 'Enter') {
      event.preventDefault();
      const offer = offers[chosen];
      if (offer !== undefined) onTake(offer);
      else commit(text);
    } else if (key === 'Escape') {
      if (text === '') currentTarget.blur();
      else onText('');
    } else if (key === 'Backspace' && text === '' && tokens.length > 0) {
      onChange(tokens.slice(0, -1));
    } else if (key === ' ' && /:\S+$/.test(text) && !/"[^"]*$/.test(text)) {
      event.preventDefault();
      commit(text);
    }
  };
  const isOpen = offers.length > 0;
  const onFocus = (isIn: boolean) => {
    setFocused(isIn);
    setDone(false);
  };
  return { text, fault, offers, chosen, isOpen, onText, onTake, onKey, onFocus };
}

function Chip({ token, onRemove }: { readonly token: Token; readonly onRemove: () => void }) {
  return (
    <span className="inline-flex items-center rounded-md bg-accent-soft pl-2">
      <span className="text-soft">{token.key}:</span>
      <span className="max-w-64 truncate">{token.value}</span>
      <button
        type="button"
        aria-label={`Remove ${tokenText(token)}`}
        title="Remove"
        onClick={onRemove}
        className="ml-1 rounded-r-md px-1.5 text-soft hover:bg-raised hover:text-text"
      >
        <span aria-hidden>×</span>
      </button>
    </span>
  );
}

interface OffersProps {
  readonly id: string;
  readonly offers: readonly Offer[];
  readonly chosen: number;
  readonly onTake: (offer: Offer) => void;
}

function Offers({ id, offers, chosen, onTake }: OffersProps) {
  return (
    <div
      id={id}
      role="listbox"
      aria-label="Conditions"
      className="absolute top-full left-0 z-30 mt-1 max-h-96 w-full max-w-xl overflow-auto rounded-lg border border-line bg-panel py-1 shadow-lg"
    >
      {offers.map((offer, index) => (
        <div
          key={offer.text}
          id={`${id}-${index}`}
          role="option"
          tabIndex={-1}
          aria-selected={index === chosen}
          // The field keeps the focus.
          onMouseDown={(event) => {
            event.preventDefault();
            onTake(offer);
          }}
          className={`flex cursor-pointer items-baseline gap-3 px-3 py-1 hover:bg-raised ${index === chosen ? 'bg-accent-soft' : ''}`}
        >
          <span className="font-mono text-[13px]">{offer.text}</span>
          <span className="truncate text-xs text-soft">{offer.hint}</span>
        </div>
      ))}
    </div>
  );
}
