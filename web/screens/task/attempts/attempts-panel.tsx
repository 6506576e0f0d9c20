/** The attempts of a task: when each one waited, ran and ended, as bars over time and as a table. */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { Attempt, Task } from '../../../../proto/gen/muster/v1/task_pb.ts';
import { explain } from '../../../connection.ts';
import { Empty, Failure, Panel } from '../../../ui/page.tsx';
import { isFinal } from '../../../ui/state.tsx';
import { useNow } from '../../../ui/time.tsx';
import { AttemptsTable } from './attempts-table.tsx';
import { Gantt } from './gantt.tsx';
import { type Row, rowsOf } from './phases.ts';
import { type History, useHistory } from './use-history.ts';

export function AttemptsPanel({ task }: { readonly task: Task }) {
  const { data, error } = useHistory(task);
  if (error !== null) return <Failure>The attempts cannot be shown: {explain(error)}</Failure>;
  if (data === undefined) {
    return (
      <Panel title="Attempts">
        <Empty>Reading…</Empty>
      </Panel>
    );
  }
  return <Shown task={task} history={data} />;
}

function Shown({ task, history }: { readonly task: Task; readonly history: History }) {
  const clock = useNow();
  const { steps, attempts, isExpired, isPast } = history;
  const last = steps.at(-1)?.at ?? 0;
  // The clock of this browser may be behind the one of the database.
  const now = isPast || isFinal(task) ? last : Math.max(clock, last);
  const rows = steps.length > 0 ? rowsOf(steps) : attempts.map(rowOf);
  const begun = rows.filter(({ nodeId }) => nodeId !== '').length;
  return (
    <Panel
      title="Attempts"
      actions={
        <span className="text-soft">
          {begun} of at most {task.maxAttempts}
        </span>
      }
    >
      {isExpired ? (
        <p className="border-b border-line px-4 py-2 text-warn">
          <span aria-hidden>⚠ </span>The history of this task has been deleted because of its age:
          what is left are the times of its attempts.
        </p>
      ) : null}
      {rows.length === 0 ? (
        <Empty>This task has had no attempt.</Empty>
      ) : (
        <>
          <Gantt rows={rows} now={now} />
          <AttemptsTable rows={rows} attempts={attempts} now={now} />
        </>
      )}
    </Panel>
  );
}

/** What is known of an attempt without its history. */
function rowOf({ number, nodeId, outcome, dispatchedAt, endedAt }: Attempt): Row {
  const from = dispatchedAt === undefined ? 0 : timestampMs(dispatchedAt);
  const to = endedAt === undefined ? null : timestampMs(endedAt);
  return { number, nodeId, end: outcome || null, phases: [{ kind: 'executing', from, to }] };
}
