/**
 * How a task stands in its row, both ways: the columns that are derived from its snapshot, and the record read from them.
 *
 * Used by the statements of tasks.ts and task-lists.ts only. The context is the truth; the other columns exist so that lists
 * and the scheduler can find rows by indexes, and they are written by no other code than `taskColumns`.
 */
import type postgres from 'postgres';
import { queueOf } from '../machines/task-context.ts';
import type { TaskContext } from '../machines/task-context.ts';
import type { StoredSnapshot } from '../machines/snapshot.ts';
import type { Sql } from './connect.ts';
import type { TaskRecord, TaskState, TaskType } from './records.ts';

/** The columns of tasks that follow from the snapshot. Times in ms since 1970. */
export interface TaskColumns {
  readonly state: string;
  /** Empty in a final state. */
  readonly substate: string;
  readonly priority: number;
  /** The queue in which it waits: of a node, or of a set; null for the one of tasks that any node may take. */
  readonly target_node_id: string | null;
  /** The node of the current attempt, else of the last one, else the one it is bound to. */
  readonly node_id: string | null;
  readonly attempt: number;
  readonly queued_ms: number | null;
  readonly started_ms: number | null;
  readonly finished_ms: number | null;
}

/** Returns the columns that a snapshot is stored with. */
export function taskColumns({ path, context }: StoredSnapshot<TaskContext>): TaskColumns {
  const dot = path.indexOf('.');
  const { target } = context;
  const boundTo = target.kind === 'node' ? target.nodeId : null;
  return {
    state: dot === -1 ? path : path.slice(0, dot),
    substate: dot === -1 ? '' : path.slice(dot + 1),
    priority: context.policy.priority,
    target_node_id: queueOf(target) || null,
    node_id: context.current?.nodeId ?? context.ended?.nodeId ?? boundTo,
    attempt: context.attempt,
    queued_ms: context.queuedAt,
    started_ms: context.firstStartedAt,
    finished_ms: context.finishedAt,
  };
}

export interface TaskRow {
  id: string;
  version: number;
  machine_version: number;
  state: TaskState;
  substate: string;
  context: TaskContext;
  name: string;
  type: TaskType;
  labels: Record<string, string>;
  creator: string;
  parent_id: string | null;
  schedule_id: string | null;
  spec_id: string;
  created_ms: number;
  updated_ms: number;
}

/** What a statement selects from `tasks as t` to make a TaskRow. */
export function taskRow(sql: Sql): postgres.PendingQuery<postgres.Row[]> {
  return sql`
    t.id, t.version, t.machine_version, t.state, t.substate, t.context, t.name, t.type, t.labels, t.creator, t.parent_id,
    t.schedule_id, t.spec_id,
    (extract(epoch from t.created_at) * 1000)::double precision as created_ms,
    (extract(epoch from t.updated_at) * 1000)::double precision as updated_ms`;
}

export function toTaskRecord(row: TaskRow): TaskRecord {
  return {
    id: row.id,
    version: row.version,
    machineVersion: row.machine_version,
    snapshot: {
      path: row.substate === '' ? row.state : `${row.state}.${row.substate}`,
      context: row.context,
    },
    name: row.name,
    type: row.type,
    labels: row.labels,
    creator: row.creator,
    parentId: row.parent_id,
    scheduleId: row.schedule_id,
    specId: row.spec_id,
    createdAt: row.created_ms,
    updatedAt: row.updated_ms,
  };
}
