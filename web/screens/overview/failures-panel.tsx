/** The last failures, each with the first line of what it has written to stderr. */
import { Link } from '@tanstack/react-router';
import type { Task } from '../../../proto/gen/muster/v1/task_pb.ts';
import { Empty, Panel } from '../../ui/page.tsx';
import { pathOf, StateBadge } from '../../ui/state.tsx';
import { Ago } from '../../ui/time.tsx';
import { useErrorLine } from './queries.ts';

export function FailuresPanel({ failed }: { readonly failed: readonly Task[] | undefined }) {
  return (
    <Panel
      title="Last failures"
      actions={
        <Link
          to="/tasks"
          search={{ state: 'failed,timeout', children: '1' }}
          className="text-accent hover:underline"
        >
          All
        </Link>
      }
    >
      {failed?.length === 0 ? <Empty>No task has failed.</Empty> : null}
      <table className="w-full table-fixed">
        <colgroup>
          <col className="w-32" />
          <col className="w-[28%]" />
          <col />
          <col className="w-32" />
        </colgroup>
        <thead className="sr-only">
          <tr>
            <th scope="col">State</th>
            <th scope="col">Task</th>
            <th scope="col">Error</th>
            <th scope="col">When</th>
          </tr>
        </thead>
        <tbody>
          {failed?.map((task) => (
            <FailureRow key={task.id} task={task} />
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

function FailureRow({ task }: { readonly task: Task }) {
  const { data: line = '' } = useErrorLine(task);
  const words = task.message === '' ? task.reason.replaceAll('_', ' ') : task.message;
  return (
    <tr className="border-b border-line/60 last:border-0 hover:bg-raised">
      <td className="py-2 pl-4">
        <StateBadge path={pathOf(task)} />
      </td>
      <td className="truncate px-2 py-2">
        <Link
          to="/tasks/$taskId"
          params={{ taskId: task.id }}
          className="font-medium hover:underline"
        >
          {task.name}
        </Link>
        <span className="text-soft"> {task.nodeId}</span>
      </td>
      <td className="truncate px-2 py-2" title={line === '' ? words : line}>
        {line === '' ? (
          <span className="text-soft">{words}</span>
        ) : (
          <code className="font-mono text-[13px]">{line}</code>
        )}
      </td>
      <td className="px-4 py-2 text-right whitespace-nowrap text-soft">
        <Ago at={task.finishedAt} />
      </td>
    </tr>
  );
}
