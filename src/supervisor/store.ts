/**
 * The store of the supervisor: the database functions it writes through, each behind its group commit.
 *
 * Lines run side by side (creations, transitions, output, late reports, steps of schedules), each committing whatever has arrived since
 * its last commit. Output and late reports wait for the database to come back, in their order: storing a piece twice does no
 * harm, since it has its offset.
 */
import { queueOf } from '../../machines/task-context.ts';
import type { Database } from '../../db/connect.ts';
import { insertOutput } from '../../db/output.ts';
import type { OutputResult, SessionPiece } from '../../db/output.ts';
import type {
  CreationResult,
  LateReportRecord,
  TaskCreation,
  TaskRecord,
  TaskUpdate,
} from '../../db/records.ts';
import type { ScheduleUpdate, ScheduleWait } from '../../db/schedule-moves.ts';
import { moveSchedules, putSchedulesAside } from '../../db/schedule-moves.ts';
import type { ScheduleRecord } from '../../db/schedules.ts';
import { readSchedules } from '../../db/schedules.ts';
import { insertTasks, readTasks, updateTasks } from '../../db/tasks.ts';
import { insertLateReports } from '../../db/transitions.ts';
import type { Availability } from './availability.ts';
import { DatabaseAccess } from './database-access.ts';
import { encodeNews } from './news.ts';

/** Small enough that two statements share the work: while PostgreSQL carries out one, the next is prepared here. */
const MAX_TRANSITIONS = 128;

export interface Store {
  create(creation: TaskCreation): Promise<CreationResult>;
  /** Resolves to false if the row had another version. */
  update(update: TaskUpdate): Promise<boolean>;
  addOutput(piece: SessionPiece): Promise<OutputResult>;
  addLateReport(report: LateReportRecord): Promise<void>;
  /** Resolves to false, and nothing is changed, if the schedule had another version. */
  moveSchedule(update: ScheduleUpdate): Promise<boolean>;
  /** The schedule is looked at again when the task is over, unless it has another version by now. */
  putScheduleAside(wait: ScheduleWait): Promise<void>;
  /** Resolves to null if there is no such schedule. */
  loadSchedule(id: string): Promise<ScheduleRecord | null>;
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
  const access = new DatabaseAccess(database, availability);
  const creations = access.line<TaskCreation, CreationResult>({
    name: 'creations',
    maxBatch: 200,
    commit: (items) => insertTasks(sql, items, newsOfCreations(supervisorId, items)),
  });
  const updates = access.line<TaskUpdate, boolean>({
    name: 'transitions',
    maxBatch: MAX_TRANSITIONS,
    maxInFlight: 2,
    async commit(items) {
      const passed = await updateTasks(sql, items, newsOfUpdates(supervisorId, items));
      return items.map((item) => passed.has(item.taskId));
    },
  });
  const output = access.line<SessionPiece, OutputResult>({
    name: 'output',
    maxBatch: 200,
    isPatient: true,
    commit: (items) => insertOutput(sql, items),
  });
  const lateReports = access.line<LateReportRecord, void>({
    name: 'late reports',
    maxBatch: 200,
    isPatient: true,
    async commit(items) {
      await insertLateReports(sql, items, supervisorId);
      return items.map(() => undefined);
    },
  });
  const loads = access.line<string, TaskRecord | null>({
    name: 'reads',
    maxBatch: 500,
    async commit(ids) {
      const records = new Map((await readTasks(sql, ids)).map((record) => [record.id, record]));
      return ids.map((id) => records.get(id) ?? null);
    },
  });
  const schedules = scheduleLines(access, sql, supervisorId);
  return {
    ...schedules.actions,
    async create(creation) {
      availability.check();
      return await creations.submit(creation);
    },
    update: (update) => updates.submit(update),
    addOutput: (piece) => output.submit(piece),
    addLateReport: (report) => lateReports.submit(report),
    load: (taskId) => loads.submit(taskId),
    read: (query) => access.read(query),
    async drained() {
      const lines = [creations, updates, output, lateReports, schedules.moves];
      await Promise.all(lines.map((line) => line.drained()));
    },
  };
}

function scheduleLines(access: DatabaseAccess, sql: Database['sql'], supervisorId: string) {
  const moves = access.line<ScheduleUpdate, boolean>({
    name: 'steps of schedules',
    maxBatch: 200,
    maxInFlight: 2,
    commit: (items) => moveSchedules(sql, items, newsOfMoves(supervisorId, items)),
  });
  const waits = access.line<ScheduleWait, void>({
    name: 'waits of schedules',
    maxBatch: 500,
    async commit(items) {
      await putSchedulesAside(sql, items);
      return items.map(() => undefined);
    },
  });
  const loads = access.line<string, ScheduleRecord | null>({
    name: 'reads of schedules',
    maxBatch: 500,
    async commit(ids) {
      const found = await readSchedules(sql, ids);
      const records = new Map(found.map((record) => [record.id, record]));
      return ids.map((id) => records.get(id) ?? null);
    },
  });
  const actions: Pick<Store, 'moveSchedule' | 'putScheduleAside' | 'loadSchedule'> = {
    moveSchedule: (update) => moves.submit(update),
    putScheduleAside: (wait) => waits.submit(wait),
    loadSchedule: (id) => loads.submit(id),
  };
  return { moves, actions };
}

/** Empty for moves that make no task. */
function newsOfMoves(from: string, updates: readonly ScheduleUpdate[]): string {
  const creations = updates.flatMap(({ creation }) => creation ?? []);
  return creations.length === 0 ? '' : newsOfCreations(from, creations);
}

function newsOfCreations(from: string, creations: readonly TaskCreation[]): string {
  const records = creations.flatMap(({ tasks }) => tasks.map(({ record }) => record));
  return newsOf(
    from,
    records.map((record) => record.id),
    records.map((record) => record.snapshot),
  );
}

function newsOfUpdates(from: string, updates: readonly TaskUpdate[]): string {
  return newsOf(
    from,
    updates.map((update) => update.taskId),
    updates.map((update) => update.snapshot),
  );
}

function newsOf(
  from: string,
  taskIds: readonly string[],
  snapshots: readonly TaskRecord['snapshot'][],
): string {
  const queuedFor = new Set<string>();
  for (const { path, context } of snapshots) {
    if (path === 'pending.queued') {
      queuedFor.add(queueOf(context.target));
    }
  }
  return encodeNews({ from, taskIds, queuedFor: [...queuedFor], sessions: [] });
}
