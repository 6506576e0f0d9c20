/**
 * Which exit code stands for the end of a task: `run` and `task wait` end as the remote command did.
 */
import { constants } from 'node:os';
import type { Task } from '../../proto/gen/muster/v1/task_pb.ts';
import { TaskState } from '../../proto/gen/muster/v1/task_pb.ts';
import { EXIT } from './exit.ts';

/** Returns the exit code that stands for the end of a task. */
export function exitCodeOf(task: Task): number {
  switch (task.state) {
    case TaskState.COMPLETED:
      return EXIT.ok;
    case TaskState.TIMEOUT:
      // The deadline of many is one way of some not having completed.
      return task.fanOut === undefined ? EXIT.timeout : EXIT.someFailed;
    case TaskState.CANCELLED:
      return task.reason === 'skipped' ? skippedCode(task) : EXIT.cancelled;
    case TaskState.FAILED:
      return failureCode(task);
    default:
      return EXIT.muster;
  }
}

/** Where the node is offline that is what was asked for; where all of many are, nothing was done. */
function skippedCode(task: Task): number {
  return task.fanOut === undefined ? EXIT.ok : EXIT.someFailed;
}

function failureCode(task: Task): number {
  if (task.fanOut !== undefined) return EXIT.someFailed;
  // An operator said so; which code it had nobody knows.
  if (task.reason === 'resolved') return EXIT.failure;
  if (/^(node_lost|node_offline|spawn_failed)$/.test(task.reason)) return EXIT.muster;
  const number = (constants.signals as Readonly<Record<string, number>>)[task.signal];
  if (number !== undefined) return 128 + number;
  return task.exitCode ? task.exitCode & 0xff || EXIT.failure : EXIT.muster;
}

/** Tells whether a task will never change again. */
export function isFinal(task: Task): boolean {
  return task.state >= TaskState.COMPLETED;
}
