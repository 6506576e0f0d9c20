/**
 * The line that a command on a task prints: the task and its state after it.
 */
import type { Task } from '../../proto/gen/muster/v1/task_pb.ts';
import { CliFault } from './fault.ts';
import { harmless } from './table.ts';
import { stateName, stateText } from './task-view.ts';

/** Returns the id, the state and what there is to say about it. */
export function taskLine(task: Task): string {
  const message = task.message === '' ? '' : `  ${harmless(task.message)}`;
  return `${task.id}  ${stateText(stateName(task))}${message}`;
}

/** Returns the task of a response. @throws CliFault when there is none */
export function requireTask(response: { readonly task?: Task | undefined }): Task {
  if (response.task === undefined) throw new CliFault('the supervisor has returned no task');
  return response.task;
}
