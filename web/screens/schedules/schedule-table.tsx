/** The table of schedules. */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { Link } from '@tanstack/react-router';
import type { Schedule } from '../../../proto/gen/muster/v1/schedule_pb.ts';
import type { Task } from '../../../proto/gen/muster/v1/task_pb.ts';
import { useTasksById } from '../../tasks-by-id.ts';
import { pathOf, StateBadge } from '../../ui/state.tsx';
import { Ago, relativeText, useNow } from '../../ui/time.tsx';
import { ScheduleActions } from './schedule-actions.tsx';
import { ScheduleBadge } from './schedule-badge.tsx';
import { missedWords, overlapWords, timeIn, whenWords, zoneOf } from './schedule-words.ts';

const COLUMNS = [
  'Schedule',
  'State',
  'When',
  'Next',
  'Last task',
  'Fired',
  'Skipped',
  'Overlap',
  'Missed',
  'Actions',
];

const CELL = 'px-3 py-1.5';

export function ScheduleTable({ schedules }: { readonly schedules: readonly Schedule[] }) {
  const tasks = useTasksById(schedules.map(({ lastTaskId }) => lastTaskId));
  return (
    <div className="overflow-x-auto">
      <table className="w-full min-w-[1100px]">
        <thead>
          <tr className="text-left text-xs text-soft">
            {COLUMNS.map((title) => (
              <th key={title} scope="col" className="px-3 py-2 font-medium">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {schedules.map((schedule) => (
            <Row key={schedule.id} schedule={schedule} lastTask={tasks.get(schedule.lastTaskId)} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({
  schedule,
  lastTask,
}: {
  readonly schedule: Schedule;
  readonly lastTask: Task | undefined;
}) {
  const { spec, fired, skipped, note } = schedule;
  const { words, detail } = whenWords(spec?.timing);
  const [overlap, overlapMeans] = overlapWords({ overlap: spec?.overlap ?? 0 });
  const [missed, missedMeans] = missedWords({ missed: spec?.missed ?? 0 });
  return (
    <tr className="border-t border-line hover:bg-raised">
      <td className={`${CELL} max-w-64 truncate`}>
        <Link
          to="/schedules/$key"
          params={{ key: spec?.name ?? schedule.id }}
          title={spec?.name}
          className="font-medium hover:text-accent hover:underline"
        >
          {spec?.name}
        </Link>
      </td>
      <td className={`${CELL} max-w-48`}>
        <ScheduleBadge schedule={schedule} />
        {note === '' ? null : (
          <p className="truncate text-xs text-soft" title={note}>
            {note}
          </p>
        )}
      </td>
      <td className={`${CELL} whitespace-nowrap`}>
        {words}
        {detail === '' ? null : <p className="text-xs text-soft">{detail}</p>}
      </td>
      <td className={`${CELL} tabular-nums`}>
        <Next schedule={schedule} />
      </td>
      <td className={CELL}>
        <LastTask schedule={schedule} task={lastTask} />
      </td>
      <td className={`${CELL} tabular-nums`}>{String(fired)}</td>
      <td className={`${CELL} tabular-nums ${skipped === 0n ? 'text-soft' : ''}`}>
        {String(skipped)}
      </td>
      <td className={`${CELL} text-soft`} title={overlapMeans}>
        {overlap}
      </td>
      <td className={`${CELL} text-soft`} title={missedMeans}>
        {missed}
      </td>
      <td className={CELL}>
        <ScheduleActions schedule={schedule} isSmall />
      </td>
    </tr>
  );
}

/** In its zone, and below it in the one of the browser where that differs. */
function Next({ schedule: { nextAt, spec } }: { readonly schedule: Schedule }) {
  const now = useNow();
  if (nextAt === undefined) return <span className="text-soft">–</span>;
  const ms = timestampMs(nextAt);
  const zone = zoneOf(spec?.timing);
  const [there, here] = [timeIn(ms, zone), timeIn(ms, null)];
  return (
    <>
      <time dateTime={new Date(ms).toISOString()} title={`${here} here`}>
        {ms <= now ? 'now' : relativeText(ms, now)}
      </time>
      {zone === null && ms - now < 3_600_000 ? null : (
        <p className="text-xs whitespace-nowrap text-soft">
          {there}
          {there === here ? null : ` · ${here.slice(-8, -3)} here`}
        </p>
      )}
    </>
  );
}

function LastTask({
  schedule: { lastTaskId, lastFiredAt },
  task,
}: {
  readonly schedule: Schedule;
  readonly task: Task | undefined;
}) {
  if (lastTaskId === '') return <span className="text-soft">none yet</span>;
  return (
    <>
      <Link to="/tasks/$taskId" params={{ taskId: lastTaskId }} className="hover:underline">
        {task === undefined ? (
          <span className="font-mono text-xs">{lastTaskId.slice(0, 13)}…</span>
        ) : (
          <StateBadge path={pathOf(task)} />
        )}
      </Link>
      <p className="text-xs text-soft tabular-nums">
        <Ago at={lastFiredAt} />
      </p>
    </>
  );
}
