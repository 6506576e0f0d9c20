/** The output of a task. */
import type { Task } from '../../../../proto/gen/muster/v1/task_pb.ts';
export function OutputPanel(_: { readonly task: Task; readonly until?: number }) {
  return null;
}
