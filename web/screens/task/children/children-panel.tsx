/** The children of a fan-out. */
import type { Task } from '../../../../proto/gen/muster/v1/task_pb.ts';
export function ChildrenPanel(_: { readonly task: Task }) {
  return null;
}
