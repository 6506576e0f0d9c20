/** The tasks that ended last. Pure. */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { Task } from '../../../proto/gen/muster/v1/task_pb.ts';

/** Returns at most so many final tasks, the one that ended last first. */
export function lastEnded<Ended extends Pick<Task, 'finishedAt'>>(
  tasks: readonly Ended[],
  max: number,
): Ended[] {
  const endOf = ({ finishedAt }: Ended) => (finishedAt === undefined ? 0 : timestampMs(finishedAt));
  return tasks.toSorted((a, b) => endOf(b) - endOf(a)).slice(0, max);
}
