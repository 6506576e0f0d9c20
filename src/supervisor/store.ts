/**
 * The store of the supervisor: the database functions it writes through, each behind its group commit.
 *
 * Four lines run side by side (creations, transitions, output, late reports), each committing whatever has arrived since
 * its last commit. A lost connection is reported to `availability` here, once for all callers. Output and late reports wait for
 * the database to come back, in their order: storing a piece twice does no harm, since it has its offset.
 */
import type { Database } from '../../db/connect.ts';
import { classifyFailure } from '../../db/failures.ts';
import { insertOutput } from '../../db/output.ts';
import type {
  CreationResult,
  LateReportRecord,
  OutputPiece,
  TaskCreation,
  TaskRecord,
  TaskUpdate,
} from '../../db/records.ts';
import { insertTasks, readTasks, updateTasks } from '../../db/tasks.ts';
import { insertLateReports } from '../../db/transitions.ts';
import { MusterError } from '../../machines/errors.ts';
import type { Availability } from './availability.ts';
import { GroupCommit } from './group-commit.ts';
import { encodeNews } from './news.ts';

export interface SessionPiece {
  readonly nodeId: string;
  readonly epoch: number;
  readonly piece: OutputPiece;
}

/** How often a statement of its own is sent that lost a deadlock. */
const MAX_TRIES = 5;

export type StoredOutput = 'stored' | 'stale' | 'gap';

export interface Store {
  create(creation: TaskCreation): Promise<CreationResult>;
  /** Resolves to false if the row had another version. */
  update(update: TaskUpdate): Promise<boolean>;
  addOutput(piece: SessionPiece): Promise<StoredOutput>;
  addLateReport(report: LateReportRecord): Promise<void>;
  /** Resolves to null if there is no such task. */
  load(taskId: string): Promise<TaskRecord | null>;
  /** Runs a statement of its own, again after a deadlock. @throws MusterError `unavailable` if the connection is lost */
  read<T>(query: (sql: Database['sql']) => Promise<T>): Promise<T>;
  drained(): Promise<void>;
}

export function createStore(
  database: Database,
  availability: Availability,
  supervisorId: string,
): Store {
  const { sql } = database;
  const watch = async <T>(statement: Promise<T>): Promise<T> => {
    try {
      return await statement;
    } catch (error) {
      if (classifyFailure(error) === 'connection_lost') availability.reportLoss(error);
      throw error;
    }
  };
  const isUnavailable = (error: unknown) =>
    error instanceof MusterError && error.kind === 'unavailable';
  /** A patient line sends the same batch again until it has an answer or the supervisor stops. */
  const line = <Item, Result>(
    name: string,
    maxBatch: number,
    commit: (items: readonly Item[]) => Promise<readonly Result[]>,
    isPatient = false,
  ) =>
    new GroupCommit<Item, Result>({
      name,
      maxBatch,
      classify: (error) => (isUnavailable(error) ? 'connection_lost' : classifyFailure(error)),
      async commit(items) {
        for (;;) {
          if (isPatient) await availability.whenUp();
          else availability.check();
          try {
            return await watch(commit(items));
          } catch (error) {
            if (!isPatient || classifyFailure(error) !== 'connection_lost') throw error;
          }
        }
      },
    });

  const creations = line('creations', 200, (items: readonly TaskCreation[]) =>
    insertTasks(
      sql,
      items,
      newsOf(
        supervisorId,
        items.flatMap((item) => item.tasks.map((task) => task.record.id)),
        items.flatMap((item) => item.tasks.map((task) => task.record.snapshot)),
      ),
    ),
  );
  const updates = line('transitions', 500, async (items: readonly TaskUpdate[]) => {
    const ids = items.map((item) => item.taskId);
    const passed = await updateTasks(
      sql,
      items,
      newsOf(
        supervisorId,
        ids,
        items.map((item) => item.snapshot),
      ),
    );
    return ids.map((id) => passed.has(id));
  });
  const output = line(
    'output',
    200,
    (items: readonly SessionPiece[]) => insertOutput(sql, items),
    true,
  );
  const lateReports = line(
    'late reports',
    200,
    async (items: readonly LateReportRecord[]) => {
      await insertLateReports(sql, items, supervisorId);
      return items.map(() => undefined);
    },
    true,
  );
  const loads = line('reads', 500, async (ids: readonly string[]) => {
    const records = new Map((await readTasks(sql, ids)).map((record) => [record.id, record]));
    return ids.map((id) => records.get(id) ?? null);
  });

  return {
    async create(creation) {
      availability.check();
      return await creations.submit(creation);
    },
    update: (update) => updates.submit(update),
    addOutput: (piece) => output.submit(piece),
    addLateReport: (report) => lateReports.submit(report),
    load: (taskId) => loads.submit(taskId),
    async read(query) {
      availability.check();
      for (let tries = 1; ; tries += 1) {
        try {
          return await watch(query(sql));
        } catch (error) {
          const failure = classifyFailure(error);
          if (failure === 'retryable' && tries < MAX_TRIES) continue;
          if (failure !== 'connection_lost') throw error;
          throw new MusterError(
            'unavailable',
            'The database does not answer at the moment; try again in a while',
            { cause: error },
          );
        }
      }
    },
    async drained() {
      await Promise.all([
        creations.drained(),
        updates.drained(),
        output.drained(),
        lateReports.drained(),
      ]);
    },
  };
}

function newsOf(
  from: string,
  taskIds: readonly string[],
  snapshots: readonly TaskRecord['snapshot'][],
): string {
  const queuedFor = new Set<string>();
  for (const { path, context } of snapshots) {
    if (path === 'pending.queued') {
      queuedFor.add(context.target.kind === 'node' ? context.target.nodeId : '');
    }
  }
  return encodeNews({ from, taskIds, queuedFor: [...queuedFor], sessions: [] });
}
