/** One switch for each state, for the most frequent question. */
import { StateBadge, STATES } from '../../ui/state.tsx';
import { addTokens, removeToken, type Token } from './filter.ts';

interface SwitchesProps {
  readonly tokens: readonly Token[];
  readonly onChange: (tokens: readonly Token[]) => void;
}

export function StateSwitches({ tokens, onChange }: SwitchesProps) {
  return (
    <fieldset className="flex max-w-full min-w-0 overflow-x-auto rounded-lg border border-line bg-panel">
      <legend className="sr-only">States</legend>
      {STATES.map((value) => {
        const token: Token = { key: 'state', value };
        const isOn = tokens.some((one) => one.key === 'state' && one.value === value);
        return (
          <button
            key={value}
            type="button"
            aria-pressed={isOn}
            onClick={() => onChange(isOn ? removeToken(tokens, token) : addTokens(tokens, [token]))}
            className={`border-r border-line px-2 py-1 last:border-0 hover:bg-raised ${isOn ? 'bg-accent-soft font-medium' : ''}`}
          >
            <StateBadge path={value} />
          </button>
        );
      })}
    </fieldset>
  );
}
