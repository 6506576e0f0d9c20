/** What can be asked of a schedule: pause with a note, resume, fire now, delete. */
import { useState } from 'react';
import type { Schedule } from '../../../proto/gen/muster/v1/schedule_pb.ts';
import { ScheduleState } from '../../../proto/gen/muster/v1/schedule_pb.ts';
import { schedules } from '../../connection.ts';
import { useAction } from '../../ui/action.ts';
import { Field, FIELD_LOOKS, Modal } from '../../ui/modal.tsx';
import { Button } from '../../ui/page.tsx';
import { toast } from '../../ui/toast.tsx';

/** @param isSmall for a row of a table */
export function ScheduleActions({
  schedule,
  isSmall = false,
  onDeleted,
}: {
  readonly schedule: Schedule;
  readonly isSmall?: boolean;
  readonly onDeleted?: () => void;
}) {
  const [open, setOpen] = useState<'pause' | 'delete' | null>(null);
  const { isBusy, act } = useAction();
  const { id: key, state } = schedule;
  const name = schedule.spec?.name ?? key;
  const trigger = async () => {
    let why = '';
    const isDone = await act(async () => {
      const { fire } = await schedules.triggerSchedule({ key });
      if (fire?.taskId === '') why = fire.why;
    }, `${name} was fired`);
    if (isDone && why !== '') toast(`${name} has made no task: ${why}`, true);
  };
  const Action = isSmall ? SmallButton : Button;
  return (
    <span className={`flex ${isSmall ? 'gap-1' : 'gap-2'}`}>
      <Action
        title={`Trigger ${name}: fire it now`}
        isDisabled={isBusy}
        onClick={() => void trigger()}
      >
        Trigger
      </Action>
      {state === ScheduleState.ACTIVE ? (
        <Action title={`Pause ${name}`} onClick={() => setOpen('pause')}>
          Pause …
        </Action>
      ) : null}
      {state === ScheduleState.PAUSED ? (
        <Action
          title={`Resume ${name}`}
          isDisabled={isBusy}
          onClick={() => void act(() => schedules.resumeSchedule({ key }), `${name} goes on`)}
        >
          Resume
        </Action>
      ) : null}
      <Action kind="danger" title={`Delete ${name}`} onClick={() => setOpen('delete')}>
        Delete …
      </Action>
      {open === 'pause' ? <PauseDialog schedule={schedule} onClose={() => setOpen(null)} /> : null}
      {open === 'delete' ? (
        <DeleteDialog
          schedule={schedule}
          onClose={(isDone) => {
            setOpen(null);
            if (isDone) onDeleted?.();
          }}
        />
      ) : null}
    </span>
  );
}

function SmallButton({
  onClick,
  children,
  kind = 'plain',
  isDisabled = false,
  title,
}: Parameters<typeof Button>[0]) {
  return (
    <button
      type="button"
      onClick={onClick}
      disabled={isDisabled}
      aria-label={title}
      title={title}
      className={`rounded border border-line px-2 text-xs leading-6 whitespace-nowrap hover:bg-page disabled:opacity-50 ${kind === 'danger' ? 'text-bad' : ''}`}
    >
      {children}
    </button>
  );
}

function PauseDialog({
  schedule,
  onClose,
}: {
  readonly schedule: Schedule;
  readonly onClose: () => void;
}) {
  const { isBusy, failure, act } = useAction(false);
  const [note, setNote] = useState('');
  const name = schedule.spec?.name ?? '';
  const submit = async () => {
    const work = () => schedules.pauseSchedule({ key: schedule.id, note });
    if (await act(work, `${name} is paused`)) onClose();
  };
  return (
    <Modal
      isOpen
      onClose={onClose}
      title={`Pause ${name}`}
      action="Pause"
      isBusy={isBusy}
      failure={failure}
      onSubmit={() => void submit()}
    >
      <p className="text-soft">Nothing is due until it is resumed. A task at work goes on.</p>
      <Field label="Note" hint="Why, for everybody to see.">
        <input
          value={note}
          onChange={(event) => setNote(event.target.value)}
          maxLength={250}
          autoFocus
          className={FIELD_LOOKS}
        />
      </Field>
    </Modal>
  );
}

function DeleteDialog({
  schedule,
  onClose,
}: {
  readonly schedule: Schedule;
  readonly onClose: (isDone: boolean) => void;
}) {
  const { isBusy, failure, act } = useAction(false);
  const name = schedule.spec?.name ?? '';
  const submit = async () => {
    const work = () => schedules.deleteSchedule({ key: schedule.id });
    if (await act(work, `${name} is deleted`)) onClose(true);
  };
  return (
    <Modal
      isOpen
      onClose={() => onClose(false)}
      title={`Delete ${name}?`}
      action="Delete"
      isDanger
      isBusy={isBusy}
      failure={failure}
      onSubmit={() => void submit()}
    >
      <p>
        It is deleted with its history of {String(schedule.fired + schedule.skipped)} fires. Its
        tasks stay.
      </p>
    </Modal>
  );
}
