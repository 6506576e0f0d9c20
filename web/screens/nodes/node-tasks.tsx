/** The tasks that are at work on a node. */
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { TaskState } from '../../../proto/gen/muster/v1/task_pb.ts';
import { explain, tasks } from '../../connection.ts';
import { Command, Empty, Failure, Panel } from '../../ui/page.tsx';
import { pathOf, StateBadge } from '../../ui/state.tsx';
import { Ago } from '../../ui/time.tsx';

const PAGE_SIZE = 20;
const REFRESH_MS = 2_000;

export function RunningTasks({ nodeId }: { readonly nodeId: string }) {
  const { data, error } = useQuery({
    queryKey: ['running-on', nodeId],
    queryFn: () =>
      tasks.listTasks({
        filter: { nodeIds: [nodeId], states: [TaskState.RUNNING] },
        pageSize: PAGE_SIZE,
      }),
    refetchInterval: REFRESH_MS,
  });
  return (
    <Panel
      title="At work"
      actions={
        <Link
          to="/tasks"
          search={{ node: nodeId, children: '1' }}
          className="text-accent hover:underline"
        >
          All tasks of this node
        </Link>
      }
    >
      {error === null ? null : <Failure>{explain(error)}</Failure>}
      {data === undefined ? (
        <Empty>Reading the tasks …</Empty>
      ) : data.tasks.length === 0 ? (
        <Empty>
          Nothing is at work. <Command>{`muster run --node ${nodeId} -- uname -a`}</Command>
        </Empty>
      ) : (
        <ul>
          {data.tasks.map((task) => (
            <li key={task.id} className="border-t border-line first:border-0 hover:bg-raised">
              <Link
                to="/tasks/$taskId"
                params={{ taskId: task.id }}
                className="grid grid-cols-[1fr_12rem_7rem] items-center gap-3 px-4 py-1.5"
              >
                <span className="truncate font-medium">{task.name}</span>
                <StateBadge path={pathOf(task)} />
                <span className="text-right text-soft tabular-nums">
                  <Ago at={task.startedAt ?? task.updatedAt} />
                </span>
              </Link>
            </li>
          ))}
          {data.nextPageToken === '' ? null : (
            <li className="border-t border-line px-4 py-2 text-soft">
              There are more than {PAGE_SIZE}.
            </li>
          )}
        </ul>
      )}
    </Panel>
  );
}
