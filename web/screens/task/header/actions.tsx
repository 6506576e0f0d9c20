/** What can be done to a task as it stands; the supervisor has the last word on each. */
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { type Task, TaskType } from '../../../../proto/gen/muster/v1/task_pb.ts';
import { Resolution } from '../../../../proto/gen/muster/v1/task_service_pb.ts';
import { explain, tasks } from '../../../connection.ts';
import { Button } from '../../../ui/page.tsx';
import { isFinal } from '../../../ui/state.tsx';
import { toast } from '../../../ui/toast.tsx';
import type { Change } from '../feed.ts';
import { Confirm, type Question } from './confirm.tsx';

interface Act {
  readonly name: string;
  readonly kind?: 'plain' | 'main' | 'danger';
  readonly title: string;
  readonly run: () => void;
}

export function Actions({
  task,
  apply,
}: {
  readonly task: Task;
  readonly apply: (change: Change) => void;
}) {
  const [question, setQuestion] = useState<Question | null>(null);
  const [isBusy, setBusy] = useState(false);
  const navigate = useNavigate();
  /** Does it once, and says what came of it. */
  const perform = (call: () => Promise<string>) => {
    setBusy(true);
    call()
      .then((text) => toast(text))
      .catch((error: unknown) => toast(explain(error), true))
      .finally(() => setBusy(false));
  };
  const goTo = (id: string) => void navigate({ to: '/tasks/$taskId', params: { taskId: id } });
  const leave = () => void navigate({ to: '/tasks' });
  const acts = isFinal(task)
    ? finalActs({ task, perform, ask: setQuestion, goTo, leave })
    : openActs({ task, perform, ask: setQuestion, apply });
  return (
    <div role="group" aria-label="Actions" className="flex flex-wrap items-center gap-2">
      {acts.map(({ name, kind, title, run }) => (
        <Button key={name} kind={kind ?? 'plain'} title={title} isDisabled={isBusy} onClick={run}>
          {name}
        </Button>
      ))}
      <Link
        to="/tasks/new"
        search={{ from: task.id }}
        className="rounded-md border border-line px-3 py-1 font-medium hover:bg-raised"
      >
        Run again with edits
      </Link>
      <Confirm question={question} onClose={() => setQuestion(null)} />
    </div>
  );
}

interface Means {
  readonly task: Task;
  readonly perform: (call: () => Promise<string>) => void;
  readonly ask: (question: Question) => void;
}

function openActs(means: Means & { readonly apply: (change: Change) => void }): Act[] {
  const { task, perform, apply } = means;
  const { id, substate } = task;
  const acts: Act[] = [];
  if (substate === 'held') {
    acts.push({
      name: 'Execute',
      kind: 'main',
      title: 'Release the task',
      run: () =>
        perform(async () => {
          apply(await tasks.executeTask({ id }));
          return 'Released';
        }),
    });
  }
  if (substate === 'unreachable') acts.push(resolveAct(means, apply));
  if (task.type === TaskType.FAN_OUT && substate === 'rolling') acts.push(pauseAct(means, apply));
  if (substate === 'paused') {
    acts.push({
      name: 'Resume',
      kind: 'main',
      title: 'Start further children',
      run: () =>
        perform(async () => {
          apply(await tasks.resumeTask({ id }));
          return 'Resumed';
        }),
    });
  }
  acts.push(cancelAct(means, apply));
  return acts;
}

function cancelAct({ task, perform, ask }: Means, apply: (change: Change) => void): Act {
  const isFanOut = task.type === TaskType.FAN_OUT;
  const text = isFanOut
    ? 'No further node starts, and the process groups of those under way are asked to end.'
    : 'A process that runs is asked to end, and killed after its grace; the task is cancelled once the process group is gone.';
  return {
    name: 'Cancel',
    kind: 'danger',
    title: 'Ask for the end of the task',
    run: () =>
      ask({
        title: `Cancel ${task.name}?`,
        text,
        verb: 'Cancel the task',
        isDanger: true,
        takesNote: true,
        onConfirm: ({ note }) =>
          perform(async () => {
            apply(await tasks.cancelTask({ id: task.id, note }));
            return 'Cancel asked for';
          }),
      }),
  };
}

function pauseAct({ task, perform, ask }: Means, apply: (change: Change) => void): Act {
  return {
    name: 'Pause',
    title: 'Start no further children',
    run: () =>
      ask({
        title: `Pause ${task.name}?`,
        text: 'No further node starts until it is resumed; those under way go on.',
        verb: 'Pause',
        takesNote: true,
        onConfirm: ({ note }) =>
          perform(async () => {
            apply(await tasks.pauseTask({ id: task.id, note }));
            return 'Paused';
          }),
      }),
  };
}

const RESOLUTIONS = [
  { value: 'LOST', label: 'It is gone: run another attempt if the policy allows one' },
  { value: 'COMPLETED', label: 'It did its work' },
  { value: 'FAILED', label: 'It failed' },
  { value: 'CANCELLED', label: 'Give it up' },
] as const;

function resolveAct({ task, perform, ask }: Means, apply: (change: Change) => void): Act {
  return {
    name: 'Resolve',
    kind: 'main',
    title: 'Decide what became of the attempt',
    run: () =>
      ask({
        title: `What became of attempt ${task.attempt} on ${task.nodeId}?`,
        text: 'The node does not answer. What is decided here stands, whatever its agent reports later.',
        verb: 'Resolve',
        isDanger: true,
        takesNote: true,
        choices: RESOLUTIONS,
        onConfirm: ({ note, choice }) =>
          perform(async () => {
            const known = RESOLUTIONS.find(({ value }) => value === choice) ?? RESOLUTIONS[0];
            const resolution = Resolution[known.value];
            apply(await tasks.resolveTask({ id: task.id, note, resolution }));
            return 'Resolved';
          }),
      }),
  };
}

interface FinalMeans extends Means {
  readonly goTo: (id: string) => void;
  readonly leave: () => void;
}

function finalActs({ task, perform, ask, goTo, leave }: FinalMeans): Act[] {
  const { id, fanOut } = task;
  const retry = (failedOnly: boolean) => () =>
    perform(async () => {
      const { task: created } = await tasks.retryTask({ id, failedOnly });
      if (created !== undefined) goTo(created.id);
      return 'Created anew: this is the new task';
    });
  const acts: Act[] = [];
  if (fanOut !== undefined && fanOut.completed < fanOut.total) {
    acts.push({
      name: 'Retry failed',
      title: 'A new task for the nodes that have not completed',
      run: retry(true),
    });
  }
  acts.push({ name: 'Retry', title: 'A new task with the same spec', run: retry(false) });
  acts.push({
    name: 'Delete',
    kind: 'danger',
    title: 'Delete the task',
    run: () =>
      ask({
        title: `Delete ${task.name}?`,
        text: 'Its history and output are deleted with it. Nothing brings them back.',
        verb: 'Delete',
        isDanger: true,
        onConfirm: () =>
          perform(async () => {
            await tasks.deleteTask({ id });
            leave();
            return 'Deleted';
          }),
      }),
  });
  return acts;
}
