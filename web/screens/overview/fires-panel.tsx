/** Which schedules fire next, and a way to fire one now. */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { type Schedule, ScheduleState } from '../../../proto/gen/muster/v1/schedule_pb.ts';
import { explain, schedules } from '../../connection.ts';
import { Button, Command, Empty, Panel } from '../../ui/page.tsx';
import { Ago } from '../../ui/time.tsx';
import { toast } from '../../ui/toast.tsx';
import type { Live } from './use-live.ts';

const SHOWN = 8;

export function FiresPanel({ all, isKnown }: Live<Schedule>) {
  const next = all
    .filter(({ state, nextAt }) => state === ScheduleState.ACTIVE && nextAt !== undefined)
    .sort((a, b) => timeOf(a) - timeOf(b))
    .slice(0, SHOWN);
  return (
    <Panel title="Next fires">
      {isKnown && next.length === 0 ? (
        <Empty>
          Nothing is due. Try{' '}
          <Command>./muster schedule create hourly --cron @hourly -- true</Command>
        </Empty>
      ) : (
        <table className="w-full">
          <thead className="sr-only">
            <tr>
              <th scope="col">Schedule</th>
              <th scope="col">Due</th>
              <th scope="col">Action</th>
            </tr>
          </thead>
          <tbody>
            {next.map((schedule) => (
              <FireRow key={schedule.id} schedule={schedule} />
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}

function timeOf({ nextAt }: Schedule): number {
  return nextAt === undefined ? Number.POSITIVE_INFINITY : timestampMs(nextAt);
}

function FireRow({ schedule }: { readonly schedule: Schedule }) {
  const name = schedule.spec?.name ?? schedule.id;
  const [isBusy, setBusy] = useState(false);
  const trigger = async () => {
    setBusy(true);
    try {
      const { fire } = await schedules.triggerSchedule({ key: schedule.id });
      const isMade = fire !== undefined && fire.taskId !== '';
      toast(isMade ? `${name} has made a task` : `${name} made none: ${fire?.why ?? ''}`, !isMade);
    } catch (error) {
      toast(explain(error), true);
    }
    setBusy(false);
  };
  return (
    <tr className="border-b border-line/60 last:border-0">
      <td className="w-full max-w-0 truncate px-4 py-1.5">
        <Link to="/schedules/$key" params={{ key: name }} className="font-medium hover:underline">
          {name}
        </Link>
      </td>
      <td className="py-1.5 whitespace-nowrap text-soft tabular-nums">
        <Ago at={schedule.nextAt} />
      </td>
      <td className="px-4 py-1.5 text-right whitespace-nowrap">
        <Button isDisabled={isBusy} onClick={() => void trigger()} title={`Run now: fire ${name}`}>
          Run now
        </Button>
      </td>
    </tr>
  );
}
