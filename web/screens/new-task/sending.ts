/** Sends the form: a task or a schedule is made, and its screen is shown. */
import { toJsonString } from '@bufbuild/protobuf';
import { useNavigate } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { TaskSpecSchema } from '../../../proto/gen/muster/v1/task_pb.ts';
import { explain, schedules, tasks } from '../../connection.ts';
import { toast } from '../../ui/toast.tsx';
import type { FormState, Problem } from './form-state.ts';
import { RequestIds } from './request-id.ts';
import { toScheduleSpec, toTaskSpec } from './to-spec.ts';

export interface Sending {
  readonly isBusy: boolean;
  /** What the server has said, in a sentence; null for nothing. */
  readonly failure: string | null;
  readonly send: (form: FormState) => Promise<void>;
}

/** What in the form cannot be read as it stands. */
export function problemsOf(form: FormState): readonly Problem[] {
  return form.start === 'schedule' ? toScheduleSpec(form).problems : toTaskSpec(form).problems;
}

/** @param onSent called before the screen of what was made is shown */
export function useSending(onSent: () => void): Sending {
  const navigate = useNavigate();
  const ids = useRef(new RequestIds());
  const isSending = useRef(false);
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);

  const createTask = async (form: FormState) => {
    const { message: spec } = toTaskSpec(form);
    const requestId = ids.current.idFor(toJsonString(TaskSpecSchema, spec));
    const { task } = await tasks.createTask({ spec, requestId });
    onSent();
    if (task !== undefined) await navigate({ to: '/tasks/$taskId', params: { taskId: task.id } });
  };
  const createSchedule = async (form: FormState) => {
    const { message: spec } = toScheduleSpec(form);
    await schedules.createSchedule({ spec });
    onSent();
    toast(`Schedule ${spec.name} is made`);
    await navigate({ to: '/schedules/$key', params: { key: spec.name } });
  };
  const send = async (form: FormState) => {
    // The state of a second click may be that of before the first.
    if (isSending.current) return;
    isSending.current = true;
    setBusy(true);
    setFailure(null);
    try {
      await (form.start === 'schedule' ? createSchedule(form) : createTask(form));
    } catch (error) {
      setFailure(explain(error));
    } finally {
      isSending.current = false;
      setBusy(false);
    }
  };
  return { isBusy, failure, send };
}
