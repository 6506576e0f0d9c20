/** The attempts of a task. */
import type { Task } from '../../../../proto/gen/muster/v1/task_pb.ts';
export function AttemptsPanel(_: { readonly task: Task }) {
  return null;
}
