/** Tasks at given times, live: when each schedule is due, and what became of it last. */
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { Schedule } from '../../../proto/gen/muster/v1/schedule_pb.ts';
import { useLiveSchedules } from '../../live-collection.ts';
import { useStableOrder } from '../../stable-order.ts';
import { Button, Command, Empty, Failure, Page, Panel } from '../../ui/page.tsx';
import { SearchInput, StateChoice } from '../../ui/list-filter.tsx';
import { SCHEDULE_WORDS, schedulePathOf, whenWords } from './schedule-words.ts';
import { ScheduleTable } from './schedule-table.tsx';

interface SchedulesSearch {
  readonly q?: string;
  readonly state?: string;
}

export function Screen() {
  const { items, failure } = useLiveSchedules();
  const { q = '', state = '' } = useSearch({ strict: false }) as SchedulesSearch;
  const navigate = useNavigate();
  const set = (change: SchedulesSearch) =>
    void navigate({
      to: '/schedules',
      replace: true,
      search: (former) => ({ ...former, ...change }),
    });
  const found = useMemo(
    () =>
      items
        ?.values()
        .filter((schedule) => matches(schedule, q, state))
        .toArray(),
    [items, q, state],
  );
  const { ids, waiting, renew } = useStableOrder(
    found === undefined ? null : new Set(found.map(({ id }) => id)),
    () => found?.toSorted(byName).map(({ id }) => id) ?? [],
    `${state} ${q}`,
  );
  const rows = ids.flatMap((id) => items?.get(id) ?? []);
  return (
    <Page
      title="Schedules"
      actions={
        <Link
          to="/tasks/new"
          search={{ as: 'schedule' }}
          className="rounded-md border border-line px-3 py-1 font-medium hover:bg-raised"
        >
          New schedule
        </Link>
      }
    >
      {failure === null ? null : <Failure>{failure}</Failure>}
      <div className="flex flex-wrap items-center gap-2">
        <Filters q={q} state={state} onChange={set} items={items} />
        <span className="grow" />
        {waiting === 0 ? null : <Button onClick={renew}>{waiting} new: show</Button>}
      </div>
      <Panel>
        {items === null ? (
          <Empty>{failure === null ? 'Reading the schedules …' : 'Nothing could be read.'}</Empty>
        ) : rows.length === 0 ? (
          <NothingHere isFiltered={items.size > 0} onReset={() => set({ q: '', state: '' })} />
        ) : (
          <ScheduleTable schedules={rows} />
        )}
      </Panel>
    </Page>
  );
}

const collator = new Intl.Collator('en', { numeric: true });

function byName(a: Schedule, b: Schedule): number {
  return collator.compare(a.spec?.name ?? '', b.spec?.name ?? '');
}

function matches(schedule: Schedule, text: string, state: string): boolean {
  if (state !== '' && schedulePathOf(schedule) !== state) return false;
  const { words, detail } = whenWords(schedule.spec?.timing);
  const all = [schedule.spec?.name, schedule.note, schedule.creator, words, detail]
    .join(' ')
    .toLowerCase();
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word));
}

function NothingHere({
  isFiltered,
  onReset,
}: {
  readonly isFiltered: boolean;
  readonly onReset: () => void;
}) {
  return (
    <Empty>
      {isFiltered ? (
        <>
          <p className="mb-3">No schedule matches.</p>
          <Button onClick={onReset}>Show all</Button>
        </>
      ) : (
        <>
          <p className="mb-3">
            There is no schedule yet. One that does something every ten minutes:
          </p>
          <Command>muster schedule create check --every 10m -- uptime</Command>
        </>
      )}
    </Empty>
  );
}

function Filters({
  q,
  state,
  items,
  onChange,
}: {
  readonly q: string;
  readonly state: string;
  readonly items: ReadonlyMap<string, Schedule> | null;
  readonly onChange: (change: SchedulesSearch) => void;
}) {
  const all = [...(items?.values() ?? [])];
  const count = (word: string) =>
    word === '' ? all.length : all.filter((one) => schedulePathOf(one) === word).length;
  return (
    <>
      <SearchInput
        label="Filter schedules by name, time, note or creator"
        placeholder="Name, time, note …"
        value={q}
        onChange={(text) => onChange({ q: text })}
      />
      <StateChoice
        words={SCHEDULE_WORDS}
        state={state}
        count={count}
        onChange={(word) => onChange({ state: word })}
      />
    </>
  );
}
