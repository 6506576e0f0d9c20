/** The state of a schedule: told apart without its colour. */
import type { Schedule } from '../../../proto/gen/muster/v1/schedule_pb.ts';
import { schedulePathOf } from './schedule-words.ts';

const LOOKS: Readonly<Record<string, { readonly icon: string; readonly color: string }>> = {
  active: { icon: '▶', color: 'text-good' },
  paused: { icon: '‖', color: 'text-warn' },
  ended: { icon: '■', color: 'text-soft' },
};

export function ScheduleBadge({ schedule }: { readonly schedule: Schedule }) {
  return <ScheduleStateBadge word={schedulePathOf(schedule)} />;
}

/** The state of a schedule by its word: active, paused or ended. */
export function ScheduleStateBadge({ word }: { readonly word: string }) {
  const { icon, color } = LOOKS[word] ?? { icon: '?', color: 'text-soft' };
  return (
    <span className={`inline-flex items-center gap-1 whitespace-nowrap ${color}`}>
      <span aria-hidden className="w-4 text-center text-xs">
        {icon}
      </span>
      {word}
    </span>
  );
}
