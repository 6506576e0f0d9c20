/** When: now, at a time, by hand, or again and again by a schedule, with the times at which that is due. */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { useQuery } from '@tanstack/react-query';
import { explain, schedules } from '../../connection.ts';
import { Panel } from '../../ui/page.tsx';
import { useSettled } from '../../ui/settled.ts';
import { relativeText, useNow } from '../../ui/time.tsx';
import { ownZone, timeIn } from '../schedules/schedule-words.ts';
import { Choice, More, Select, Text, useForm } from './fields.tsx';
import type { FormState } from './form-state.ts';
import { toTiming } from './to-spec.ts';

/** After this long without a key, the supervisor is asked. */
const SETTLED_MS = 250;
const KINDS = [
  ['now', 'Now'],
  ['at', 'Later'],
  ['held', 'Held'],
  ['schedule', 'Schedule'],
] as const;
const TIMINGS = [
  ['cron', 'Cron'],
  ['every', 'Every'],
  ['at', 'Once'],
] as const;
const OVERLAPS = [
  ['forbid', 'skip this time'],
  ['allow', 'run both'],
  ['replace', 'cancel the former'],
  ['queue', 'wait for it'],
] as const;
const MISSED = [
  ['latest', 'make up the latest'],
  ['all', 'make up all'],
  ['skip', 'skip them'],
] as const;
/** Zones that people ask for first; any other can be typed. */
const ZONES = Intl.supportedValuesOf('timeZone');

export function StartPart() {
  const { form } = useForm();
  return (
    <Panel title="When">
      <div className="flex flex-col gap-4 p-4">
        <Choice field="start" legend="Start" options={KINDS} />
        {form.start === 'at' ? (
          <Text
            field="startAt"
            type="datetime-local"
            label="Not before"
            hint="In the time of this browser"
          />
        ) : null}
        {form.start === 'held' ? (
          <p className="text-soft">It is created and waits until somebody starts it.</p>
        ) : null}
        {form.start === 'schedule' ? <ScheduleFields /> : null}
      </div>
    </Panel>
  );
}

function ScheduleFields() {
  const { form } = useForm();
  const isUsed = [form.from, form.until, form.missedWindow, form.jitter].some(
    (text) => text !== '',
  );
  return (
    <>
      <Text field="scheduleName" label="Name of the schedule" placeholder="nightly-backup" />
      <Choice field="timing" legend="Timing" options={TIMINGS} />
      {form.timing === 'cron' ? (
        <div className="grid grid-cols-2 gap-3">
          <Text field="cron" label="Cron" placeholder="30 4 * * *" isMono />
          <Text field="timeZone" label="Time zone" placeholder="UTC" suggestions={ZONES} />
        </div>
      ) : null}
      {form.timing === 'every' ? <Text field="every" label="Every" placeholder="10m" /> : null}
      {form.timing === 'at' ? (
        <Text field="at" type="datetime-local" label="At" hint="In the time of this browser" />
      ) : null}
      <Due />
      <div className="grid grid-cols-2 gap-3">
        <Select field="overlap" label="Former task still runs" options={OVERLAPS} />
        <Select field="missed" label="Missed times" options={MISSED} />
      </div>
      <More title="Bounds, jitter" isOpen={isUsed}>
        <div className="grid grid-cols-2 gap-3">
          <Text field="missedWindow" label="Missed, at most" placeholder="1h" />
          <Text field="jitter" label="Jitter" placeholder="0" />
        </div>
        <Text field="from" type="datetime-local" label="Not before" />
        <Text field="until" type="datetime-local" label="Not after" />
      </More>
    </>
  );
}

/** Whether there is enough to ask for times. */
function isTimed({ timing, cron, every, at }: FormState): boolean {
  return { cron, every, at }[timing].trim() !== '';
}

/** The next five times, asked for once typing has settled. */
function Due() {
  const { form } = useForm();
  const now = useNow();
  const { timing, cron, every, at, timeZone, from, until } = form;
  // The texts themselves: a timing holds big numbers, which are no JSON.
  const asked = useSettled(
    JSON.stringify({ timing, cron, every, at, timeZone, from, until }),
    SETTLED_MS,
  );
  const isAsking = isTimed(form);
  const { data, error } = useQuery({
    queryKey: ['new-task', 'due', asked],
    queryFn: async ({ signal }) => {
      const reading = toTiming({ ...form, ...(JSON.parse(asked) as Partial<FormState>) });
      const [problem] = reading.problems;
      if (problem !== undefined) throw new Error(problem.text);
      return await schedules.previewSchedule({ timing: reading.message, count: 5 }, { signal });
    },
    enabled: isAsking,
    retry: false,
    placeholderData: (before) => before,
  });
  if (!isAsking) return <p className="text-soft">The next five times are shown here.</p>;
  if (error !== null) {
    return (
      <p role="status" className="text-bad">
        {explain(error)}
      </p>
    );
  }
  const times = data?.dueAt ?? [];
  // As a cron is meant; all else is of this browser.
  const zone = timing === 'cron' ? timeZone.trim() || 'UTC' : null;
  return (
    <div role="status" className="rounded-lg border border-line bg-page px-3 py-2">
      {data !== undefined && times.length === 0 ? (
        <span className="text-warn">Never due any more</span>
      ) : null}
      {times.length === 0 ? null : (
        <p className="text-xs text-soft">{zone ?? `${ownZone()} (here)`}</p>
      )}
      <ol>
        {times.map((due) => (
          <li key={String(due.seconds)} className="flex justify-between gap-3 tabular-nums">
            <time dateTime={new Date(timestampMs(due)).toISOString()}>
              {timeIn(timestampMs(due), zone)}
            </time>
            <span className="text-soft">{relativeText(timestampMs(due), now)}</span>
          </li>
        ))}
      </ol>
    </div>
  );
}
