/** In words: why there is no output, or not all of it. */
import { Link } from '@tanstack/react-router';
import { type Task, TaskType } from '../../../../proto/gen/muster/v1/task_pb.ts';
import { isFinal } from '../../../ui/state.tsx';
import type { FeedState } from './output-feed.ts';
import { sizeText } from './size-text.ts';

/** What is missing of what is shown. */
export function OutputNotes({ state }: { readonly state: FeedState }) {
  const notes = [
    state.droppedBytes > 0
      ? `${sizeText(state.droppedBytes)} more were printed and are not stored: an attempt keeps only so much output.`
      : null,
    state.missingBytes > 0
      ? `${sizeText(state.missingBytes)} of this output are missing: the database has lost them.`
      : null,
    state.expiredBytes > 0
      ? `${sizeText(state.expiredBytes)} of this output have been deleted, because of their age or because all output together was too much.`
      : null,
  ].filter((note) => note !== null);
  return notes.map((note) => (
    <p key={note} className="border-t border-line px-4 py-2 text-warn">
      <span aria-hidden>⚠ </span>
      {note}
    </p>
  ));
}

/** Where there is no line at all. */
export function NoOutput({
  task,
  attempt,
  state,
  isPast,
}: {
  readonly task: Task;
  readonly attempt: number;
  readonly state: FeedState;
  /** There is output, of a later time than the one that is looked at. */
  readonly isPast: boolean;
}) {
  return (
    <div className="grid grow place-items-center px-6 py-10 text-center text-soft">
      <p>{isPast ? 'Nothing had been printed by then.' : whyNothing(task, attempt, state)}</p>
    </div>
  );
}

function whyNothing(task: Task, attempt: number, { isOver, expiredBytes }: FeedState) {
  if (task.type === TaskType.FAN_OUT) {
    return (
      <>
        A fan-out prints nothing itself; its{' '}
        <Link
          to="."
          search={(before: object) => ({ ...before, tab: 'children' })}
          className="text-accent underline"
        >
          children
        </Link>{' '}
        do.
      </>
    );
  }
  if (expiredBytes > 0) return 'The output of this attempt is gone.';
  if (attempt === 0) {
    return isFinal(task)
      ? 'This task has had no attempt, so there is no output.'
      : 'No attempt has begun yet. Output appears here as it is printed.';
  }
  if (isOver) return `Attempt ${attempt} has printed nothing.`;
  return isFinal(task) || attempt < task.attempt
    ? 'Reading…'
    : `Attempt ${attempt} has printed nothing yet. Output appears here as it is printed.`;
}
