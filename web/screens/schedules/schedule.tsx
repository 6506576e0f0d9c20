/** One schedule, live: when it is due, what became of it, what it does, and its machine. */
import { durationMs, timestampMs } from '@bufbuild/protobuf/wkt';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import type { Schedule } from '../../../proto/gen/muster/v1/schedule_pb.ts';
import type { TaskSpec } from '../../../proto/gen/muster/v1/task_pb.ts';
import { useLiveSchedules } from '../../live-collection.ts';
import { useMachine } from '../../machines-query.ts';
import { Facts } from '../../ui/facts.tsx';
import { Empty, Failure, Page, Panel } from '../../ui/page.tsx';
import { Ago } from '../../ui/time.tsx';
import { Diagram } from '../../visualizer/diagram.tsx';
import { ScheduleActions } from './schedule-actions.tsx';
import { ScheduleBadge } from './schedule-badge.tsx';
import { NextFires, PastFires } from './schedule-fires.tsx';
import {
  missedWords,
  overlapWords,
  roundText,
  schedulePathOf,
  timeIn,
  whenWords,
} from './schedule-words.ts';
import { actionWords, policyRows, targetText } from './task-words.ts';

export function Screen() {
  const { key = '' } = useParams({ strict: false });
  const { items, failure } = useLiveSchedules();
  const navigate = useNavigate();
  const all = [...(items?.values() ?? [])];
  const schedule = items?.get(key) ?? all.find(({ spec }) => spec?.name === key);
  const title = (
    <span className="flex items-center gap-3">
      <Link to="/schedules" className="font-normal text-soft hover:text-text">
        Schedules
      </Link>
      <span aria-hidden className="font-normal text-soft">
        /
      </span>
      {schedule?.spec?.name ?? key}
      {schedule === undefined ? null : (
        <span className="text-sm font-normal">
          <ScheduleBadge schedule={schedule} />
        </span>
      )}
    </span>
  );
  return (
    <Page
      title={title}
      actions={
        schedule === undefined ? null : (
          <ScheduleActions
            schedule={schedule}
            onDeleted={() => void navigate({ to: '/schedules' })}
          />
        )
      }
    >
      {failure === null ? null : <Failure>{failure}</Failure>}
      {schedule === undefined ? (
        <Empty>
          {items === null ? 'Reading the schedule …' : `There is no schedule ${key}. `}
          {items === null ? null : (
            <Link to="/schedules" className="text-accent underline">
              All schedules
            </Link>
          )}
        </Empty>
      ) : (
        <Body schedule={schedule} />
      )}
    </Page>
  );
}

function Body({ schedule }: { readonly schedule: Schedule }) {
  const { fires = '' } = useSearch({ strict: false }) as { readonly fires?: string };
  const navigate = useNavigate();
  const { note } = schedule;
  return (
    <>
      {note === '' ? null : (
        <div role="status" className="rounded-lg border border-warn px-4 py-2.5">
          <span className="font-medium text-warn">
            <span aria-hidden>‖</span> paused
          </span>{' '}
          {note}
        </div>
      )}
      <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,1fr)_26rem]">
        <div className="flex min-w-0 flex-col gap-4">
          <NextFires schedule={schedule} />
          <PastFires
            schedule={schedule}
            limit={Number.parseInt(fires, 10) || 0}
            onMore={(limit) =>
              void navigate({
                to: '/schedules/$key',
                params: (former) => ({ key: former.key ?? schedule.id }),
                replace: true,
                resetScroll: false,
                search: (former) => ({ ...former, fires: String(limit) }),
              })
            }
          />
        </div>
        <div className="flex min-w-0 flex-col gap-4">
          <Rules schedule={schedule} />
          {schedule.spec?.task === undefined ? null : <Work spec={schedule.spec.task} />}
          <ScheduleMachine schedule={schedule} />
        </div>
      </div>
    </>
  );
}

function Rules({ schedule }: { readonly schedule: Schedule }) {
  const { spec, fired, skipped, lastTaskId, lastFiredAt, creator } = schedule;
  if (spec === undefined) return null;
  const { words, detail } = whenWords(spec.timing);
  const [overlap, overlapMeans] = overlapWords(spec);
  const [missed, missedMeans] = missedWords(spec);
  const { startAt, endAt } = spec.timing ?? {};
  return (
    <Panel title="Rules">
      <Facts
        rows={[
          ['When', words],
          [
            '',
            <span key="detail" className="text-soft">
              {detail}
            </span>,
          ],
          ['From', startAt === undefined ? '' : timeIn(timestampMs(startAt), null)],
          ['Until', endAt === undefined ? '' : timeIn(timestampMs(endAt), null)],
          [
            'Jitter',
            spec.jitter === undefined ? '' : `up to ${roundText(durationMs(spec.jitter))} later`,
          ],
          ['Overlap', <Meant key="overlap" word={overlap} means={overlapMeans} />],
          ['Missed', <Meant key="missed" word={missed} means={missedMeans} />],
          [
            'Missed window',
            spec.missedWindow === undefined ? '' : roundText(durationMs(spec.missedWindow)),
          ],
          ['Fired', `${fired}, skipped ${skipped}`],
          [
            'Last task',
            lastTaskId === '' ? (
              'none yet'
            ) : (
              <Link
                to="/tasks/$taskId"
                params={{ taskId: lastTaskId }}
                className="text-accent underline"
              >
                <Ago at={lastFiredAt} />
              </Link>
            ),
          ],
          ['Creator', creator],
          ['Created', <Ago key="created" at={schedule.createdAt} />],
          ['Version', String(schedule.version)],
        ]}
      />
    </Panel>
  );
}

function Meant({ word, means }: { readonly word: string; readonly means: string }) {
  return (
    <>
      {word} <span className="text-soft">– {means}</span>
    </>
  );
}

function Work({ spec }: { readonly spec: TaskSpec }) {
  const { kind, text } = actionWords(spec);
  const labels = Object.entries(spec.labels).map(([name, value]) => `${name}=${value}`);
  const environment = spec.action.case === 'script' ? Object.keys(spec.action.value.env) : [];
  return (
    <Panel title="Its task">
      <Facts
        rows={[
          ['Name', spec.name],
          ['Where', targetText(spec)],
          ['What', kind],
          ['Labels', labels.join(' ')],
          ['Environment', environment.join(', ')],
          ...policyRows(spec.policy),
        ]}
      />
      <pre
        tabIndex={0}
        aria-label="What it runs"
        className="max-h-72 overflow-auto border-t border-line px-4 py-3 font-mono text-xs whitespace-pre-wrap"
      >
        {text}
      </pre>
    </Panel>
  );
}

function ScheduleMachine({ schedule }: { readonly schedule: Schedule }) {
  const machine = useMachine('schedule');
  return (
    <Panel title="Machine">
      {machine === undefined ? (
        <Empty>Reading the machine …</Empty>
      ) : (
        <Diagram machine={machine} current={schedulePathOf(schedule)} className="h-80" />
      )}
    </Panel>
  );
}
