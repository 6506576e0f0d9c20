/** What of the events is shown. */
import { STATES } from '../../ui/state.tsx';
import { WORK_WORDS } from '../nodes/health.ts';
import { SCHEDULE_WORDS } from '../schedules/schedule-words.ts';
import { TYPE_VALUES } from '../tasks/filter.ts';
import { type EventFilter, type EventLog, KINDS } from './event-log.ts';

const SUBSTATES = [
  'pending.held',
  'pending.delayed',
  'pending.queued',
  'running.dispatched',
  'running.executing',
  'running.stopping',
  'running.unreachable',
  'running.rolling',
  'running.paused',
];
/** Those of tasks, each before those in it, then those of schedules and nodes. */
const PATHS = [
  ...STATES.flatMap((state) => [
    state,
    ...SUBSTATES.filter((path) => path.startsWith(`${state}.`)),
  ]),
  ...new Set([...SCHEDULE_WORDS, ...WORK_WORDS]),
];

const NONE: EventFilter = { kind: '', event: '', from: '', to: '', type: '', node: '', text: '' };

interface FiltersProps {
  readonly log: EventLog;
  readonly filter: EventFilter;
  readonly onChange: (change: Partial<EventFilter>) => void;
}

export function EventFilters({ log, filter, onChange }: FiltersProps) {
  const set = (name: keyof EventFilter) => (value: string) => onChange({ [name]: value });
  const isAny = Object.values(filter).some((value: string) => value !== '');
  return (
    <div className="flex min-w-0 grow flex-wrap items-center gap-2">
      <input
        data-search
        type="search"
        aria-label="Text in the name, id, event or state"
        placeholder="Name, id, event or state"
        value={filter.text}
        onChange={(event) => onChange({ text: event.target.value })}
        onKeyDown={(event) => event.key === 'Escape' && event.currentTarget.blur()}
        className="max-w-64 min-w-0 grow basis-32 rounded-lg border border-line bg-panel px-3 py-1.5 placeholder:text-soft"
      />
      <Choice name="Kind" value={filter.kind} values={KINDS} onChange={set('kind')} />
      <Choice
        name="Event"
        value={filter.event}
        values={log.values('event')}
        onChange={set('event')}
      />
      <Choice name="From" value={filter.from} values={PATHS} onChange={set('from')} />
      <Choice name="To" value={filter.to} values={PATHS} onChange={set('to')} />
      <Choice
        name="Type"
        value={filter.type}
        values={Object.keys(TYPE_VALUES)}
        onChange={set('type')}
      />
      <Choice
        name="Node"
        value={filter.node}
        values={log.values('nodeId')}
        onChange={set('node')}
      />
      {isAny ? (
        <button
          type="button"
          onClick={() => onChange(NONE)}
          className="rounded px-2 py-1 text-soft hover:bg-raised hover:text-text"
        >
          Clear
        </button>
      ) : null}
    </div>
  );
}

interface ChoiceProps {
  readonly name: string;
  readonly value: string;
  readonly values: readonly string[];
  readonly onChange: (value: string) => void;
}

function Choice({ name, value, values, onChange }: ChoiceProps) {
  // A value of the URL is there even if it has not occurred yet.
  const all = value === '' || values.includes(value) ? values : [value, ...values];
  return (
    <label
      className={`flex items-center rounded-lg border bg-panel pl-2.5 ${value === '' ? 'border-line' : 'border-accent'}`}
    >
      <span aria-hidden className="text-soft">
        {name}
      </span>
      <select
        aria-label={name}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        className="max-w-32 rounded-lg bg-panel py-1.5 pr-1 pl-1.5"
      >
        <option value="">any</option>
        {all.map((one) => (
          <option key={one} value={one}>
            {one}
          </option>
        ))}
      </select>
    </label>
  );
}
