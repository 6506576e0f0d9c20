/** The due times of a schedule: those to come, and what became of those that were. */
import { timestampDate, timestampMs } from '@bufbuild/protobuf/wkt';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { Fire, Schedule } from '../../../proto/gen/muster/v1/schedule_pb.ts';
import { ScheduleState } from '../../../proto/gen/muster/v1/schedule_pb.ts';
import type { Task } from '../../../proto/gen/muster/v1/task_pb.ts';
import { explain, schedules } from '../../connection.ts';
import { useTasksById } from '../../tasks-by-id.ts';
import { Button, Empty, Failure, Panel } from '../../ui/page.tsx';
import { pathOf, StateBadge } from '../../ui/state.tsx';
import { absoluteText, Ago, relativeText, useNow } from '../../ui/time.tsx';
import { anchoredTiming, ownZone, timeIn, zoneOf } from './schedule-words.ts';

const NEXT_COUNT = 5;
/** Fires that are read at once. */
const PAGE_SIZE = 50;
const MAX_FIRES = 200;

const HEAD = 'px-4 py-2 font-medium';
const CELL = 'px-4 py-1.5';

export function NextFires({ schedule }: { readonly schedule: Schedule }) {
  const timing = anchoredTiming(schedule);
  const now = useNow();
  const { data, error } = useQuery({
    queryKey: ['preview', schedule.id, schedule.version],
    queryFn: async () =>
      timing === undefined
        ? []
        : (await schedules.previewSchedule({ timing, count: NEXT_COUNT })).dueAt.map(timestampMs),
    placeholderData: (former) => former,
  });
  const zone = zoneOf(timing);
  const isPaused = schedule.state === ScheduleState.PAUSED;
  const columns = ['Due', ...(zone === null ? [] : [zone]), `${ownZone()} (here)`];
  return (
    <Panel title="Next fires">
      {error === null ? null : <Failure>{explain(error)}</Failure>}
      {isPaused ? (
        <p className="border-b border-line px-4 py-2 text-warn">
          It is paused: these would be due if it were resumed now.
        </p>
      ) : null}
      {data === undefined ? (
        <Empty>Reading the calendar …</Empty>
      ) : data.length === 0 ? (
        <Empty>Nothing is due any more.</Empty>
      ) : (
        <table className="w-full tabular-nums">
          <thead>
            <tr className="text-left text-xs text-soft">
              {columns.map((title) => (
                <th key={title} scope="col" className={HEAD}>
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody className={isPaused ? 'text-soft' : ''}>
            {data.map((ms) => (
              <tr key={ms} className="border-t border-line">
                <td className={CELL}>{ms <= now ? 'now' : relativeText(ms, now)}</td>
                {zone === null ? null : <td className={CELL}>{timeIn(ms, zone)}</td>}
                <td className={`${CELL} text-soft`}>
                  <time dateTime={new Date(ms).toISOString()}>{timeIn(ms, null)}</time>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}

/** @param limit how many are shown, as the URL has it */
export function PastFires({
  schedule,
  limit,
  onMore,
}: {
  readonly schedule: Schedule;
  readonly limit: number;
  readonly onMore: (limit: number) => void;
}) {
  const pageSize = Math.min(Math.max(limit, PAGE_SIZE), MAX_FIRES);
  const { data, error } = useQuery({
    // Each fire is a step of the schedule.
    queryKey: ['fires', schedule.id, schedule.version, pageSize],
    queryFn: async () => (await schedules.listFires({ key: schedule.id, pageSize })).fires,
    placeholderData: (former) => former,
  });
  const tasks = useTasksById((data ?? []).map(({ taskId }) => taskId));
  return (
    <Panel
      title="Fires so far"
      actions={
        <Link
          to="/tasks"
          search={{ schedule: schedule.id }}
          className="text-accent hover:underline"
        >
          All its tasks
        </Link>
      }
    >
      {error === null ? null : <Failure>{explain(error)}</Failure>}
      {data === undefined ? (
        <Empty>Reading the fires …</Empty>
      ) : data.length === 0 ? (
        <Empty>It has not been due yet.</Empty>
      ) : (
        <div
          role="region"
          aria-label="Fires so far"
          tabIndex={0}
          className="max-h-[36rem] overflow-auto"
        >
          <FireTable fires={data} tasks={tasks} />
          {data.length < pageSize || pageSize === MAX_FIRES ? null : (
            <p className="border-t border-line p-3 text-center">
              <Button onClick={() => onMore(MAX_FIRES)}>Show more</Button>
            </p>
          )}
        </div>
      )}
    </Panel>
  );
}

function FireTable({
  fires,
  tasks,
}: {
  readonly fires: readonly Fire[];
  readonly tasks: ReadonlyMap<string, Task>;
}) {
  return (
    <table className="w-full">
      <thead className="sticky top-0 bg-panel">
        <tr className="text-left text-xs text-soft">
          {['Due', '', 'What came of it', 'Task'].map((title, index) => (
            <th key={title} scope="col" className={HEAD}>
              {index === 1 ? <span className="sr-only">When</span> : title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {fires.map((fire) => (
          <tr
            key={`${fire.dueAt === undefined ? '' : timestampMs(fire.dueAt)} ${fire.taskId}`}
            className="border-t border-line hover:bg-raised"
          >
            <td className={`${CELL} whitespace-nowrap tabular-nums`}>
              {fire.dueAt === undefined ? '–' : absoluteText(timestampDate(fire.dueAt).getTime())}
            </td>
            <td className={`${CELL} whitespace-nowrap text-soft tabular-nums`}>
              <Ago at={fire.dueAt} />
              {fire.manual ? ' · by hand' : ''}
            </td>
            <Outcome fire={fire} task={tasks.get(fire.taskId)} />
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Outcome({
  fire: { taskId, why },
  task,
}: {
  readonly fire: Fire;
  readonly task: Task | undefined;
}) {
  if (taskId === '') {
    return (
      <td className={CELL} colSpan={2}>
        <span className="text-warn">
          <span aria-hidden>⤼ </span>no task
        </span>
        {why === '' ? null : <span className="text-soft">: {why}</span>}
      </td>
    );
  }
  return (
    <>
      <td className={CELL}>
        {task === undefined ? (
          <span className="text-soft">a task</span>
        ) : (
          <StateBadge path={pathOf(task)} />
        )}
      </td>
      <td className={CELL}>
        <Link
          to="/tasks/$taskId"
          params={{ taskId }}
          className="font-mono text-xs text-accent hover:underline"
        >
          {taskId}
        </Link>
      </td>
    </>
  );
}
