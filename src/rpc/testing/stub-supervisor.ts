/**
 * A supervisor for tests of the API: it keeps tasks in a map, tells what it was asked, and fails on demand.
 */
import { createSchedule } from '../../../machines/schedule-decide.ts';
import { MusterError } from '../../../machines/errors.ts';
import { DEFAULT_TASK_POLICY } from '../../../machines/task-context.ts';
import type {
  Actors,
  AgentEvent,
  AgentHello,
  AgentLink,
  Caller,
  HostMetrics,
  Machines,
  Nodes,
  NodeSelection,
  ScheduleRecord,
  ScheduleTransition,
  Schedules,
  OutputItem,
  Supervisor,
  TaskChange,
  TaskDraft,
  TaskFilter,
  TaskRecord,
  Tasks,
} from '../../supervisor/supervisor.ts';
import type { Workers } from '../../supervisor/workers.ts';
import { stubFiles } from './stub-files.ts';
import { stubMachines } from './stub-machines.ts';
import { stubNodes, stubWorkers } from './stub-nodes.ts';
import { NOW } from './worker-record.ts';

export { NOW };

export function taskId(number: number): string {
  return `0198c6e2-0000-7000-8000-${number.toString(16).padStart(12, '0')}`;
}

export function taskRecord(id: string, draft: Partial<TaskDraft> = {}): TaskRecord {
  const context: TaskRecord['snapshot']['context'] = {
    id,
    target: draft.target ?? { kind: 'any' },
    policy: draft.policy ?? DEFAULT_TASK_POLICY,
    held: false,
    startAt: null,
    createdAt: NOW,
    attempt: 0,
    current: null,
    ended: null,
    stopCause: null,
    unreachableAt: null,
    delayedUntil: null,
    queuedAt: NOW,
    firstStartedAt: null,
    finishedAt: null,
    exitCode: null,
    signal: null,
    reason: null,
    message: '',
  };
  return {
    id,
    version: 1,
    machineVersion: 1,
    snapshot: { path: draft.held === true ? 'pending.held' : 'pending.queued', context },
    name: draft.name ?? 'a task',
    type: 'script',
    labels: draft.labels ?? {},
    creator: 'user',
    parentId: null,
    scheduleId: null,
    specId: id,
    createdAt: NOW,
    updatedAt: NOW,
  };
}

function scheduleRecord(name: string, spec: unknown): ScheduleRecord {
  const snapshot = createSchedule({
    id: taskId(9),
    timing: { kind: 'every', everyMs: 60_000 },
    startAt: null,
    endAt: null,
    jitterMs: 0,
    overlap: 'forbid',
    missed: 'latest',
    missedWindowMs: 3_600_000,
    seed: 1,
    createdAt: NOW,
    nextAt: NOW + 60_000,
  });
  return {
    id: taskId(9),
    name,
    version: 1,
    machineVersion: 1,
    snapshot,
    spec,
    draft: {},
    creator: 'user',
    wakeAt: NOW + 60_000,
    createdAt: NOW,
    updatedAt: NOW,
  };
}

/** A session as the stub holds it. */
export interface StubSession {
  readonly hello: AgentHello;
  readonly link: AgentLink;
  readonly received: { seq: number; events: readonly AgentEvent[] }[];
  heard: number;
  metrics: HostMetrics | null;
  isBegun: boolean;
  ended: boolean | null;
}

export class StubSupervisor implements Supervisor {
  readonly id = 'stub';
  /** Each call: its name, and what it was given. */
  readonly calls: { name: string; args: unknown[] }[] = [];
  readonly records: TaskRecord[] = [];
  readonly specs = new Map<string, unknown>();
  readonly open: StubSession[] = [];
  /** What a schedule is made of before an update, as JSON. */
  scheduleSpec: unknown = {};
  /** Thrown by every method while set. */
  failure: Error | null = null;
  changes: AsyncIterable<TaskChange> = empty();
  output: readonly OutputItem[] = [];
  isUp = true;
  /** Told of everything that sessions do, so that tests need not wait. */
  onSession: () => void = () => {};

  isServing = () => this.isUp;
  stop = async () => {};

  readonly tasks: Tasks = {
    create: async (drafts, caller, requestId) => {
      this.#called('create', drafts, caller, requestId);
      return drafts.map((draft) => {
        const record = taskRecord(taskId(this.records.length + 1), draft);
        this.records.push(record);
        this.specs.set(record.id, draft.spec);
        return record;
      });
    },
    get: async (id) => {
      this.#called('get', id);
      return {
        record: this.#find(id),
        spec: this.specs.get(id),
        attempts: [],
        candidates: [],
        waiting: null,
      };
    },
    list: async (filter: TaskFilter, limit, before) => {
      this.#called('list', filter, limit, before);
      const newestFirst = this.records.toReversed();
      return newestFirst.filter((one) => before === null || one.id < before).slice(0, limit);
    },
    execute: async (id, caller) => this.#act('execute', id, caller),
    cancel: async (id, note, caller) => this.#act('cancel', id, note, caller),
    resolve: async (id, resolution, note, caller: Caller) =>
      this.#act('resolve', id, resolution, note, caller),
    pause: async (id, note, caller) => this.#act('pause', id, note, caller),
    resume: async (id, caller) => this.#act('resume', id, caller),
    retry: async (id, isUnfinishedOnly, caller, requestId) =>
      this.#act('retry', id, isUnfinishedOnly, caller, requestId),
    delete: async (id) => void this.#act('delete', id),
    wait: async (id, timeoutMs, signal) => {
      this.#called('wait', id, timeoutMs);
      const record = this.#find(id);
      if (timeoutMs === 60_000 && !signal.aborted) {
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      }
      return record;
    },
    watch: (filter, seen, signal) => {
      this.#called('watch', filter, [...seen]);
      return until(this.changes, signal);
    },
    history: async (id, afterVersion, limit) => {
      this.#called('history', id, afterVersion, limit);
      const event = { type: 'execute.requested', by: 'user', at: NOW, random: 0.5 } as const;
      const transition = {
        taskId: id,
        version: 2,
        event,
        fromPath: 'pending.held',
        toPath: 'pending.queued',
        at: NOW,
        attempt: 0,
        supervisorId: 'stub',
      };
      return { transitions: [transition], lateReports: [], hasMore: false, isExpired: false };
    },
    verify: async (id) => {
      this.#called('verify', id);
      return { transitions: 3, differences: [], isExpired: false };
    },
    readOutput: async (id, attempt, stream, offset, limitBytes) => {
      this.#called('readOutput', id, attempt, stream, offset, limitBytes);
      const content = Uint8Array.of(0, 255, 10);
      const range = { attempt: 1, content, nextOffset: offset + 3, isEnd: true };
      return { ...range, droppedBytes: 0, isExpired: false };
    },
    tailOutput: (id, from, isStoredOnly, signal) => {
      this.#called('tailOutput', id, from, isStoredOnly);
      return until(this.#items(), signal);
    },
    statistics: async (from, until) => {
      this.#called('statistics', from, until);
      const summary = { count: 2, p50: 0.4, p95: 1500.25, max: 90_061_001 };
      return {
        from,
        until,
        total: 2,
        byState: [{ state: 'completed', substate: '', count: 2 }],
        byType: [{ name: 'script', count: 2 }],
        byNode: [{ name: '', count: 2 }],
        byHour: [
          { hour: NOW, created: 2, completed: 2, failed: 0, waiting: summary, running: summary },
        ],
        waiting: summary,
        running: summary,
        oldestPending: [{ at: NOW, oldestMs: 90_500 }],
      };
    },
  };

  readonly nodes: Nodes = stubNodes((name, ...args) => this.#called(name, ...args));
  readonly workers: Workers = stubWorkers((name, ...args) => this.#called(name, ...args));

  readonly groups = {
    create: async (draft: { name: string }) => this.#group('createGroup', draft.name, draft),
    update: async (draft: { name: string }) => this.#group('updateGroup', draft.name, draft),
    delete: async (name: string) => this.#called('deleteGroup', name),
    get: async (name: string) => this.#group('getGroup', name),
    list: async () => [this.#group('listGroups', 'g')],
    add: async (name: string, selection: NodeSelection) =>
      this.#group('addToGroup', name, selection).nodeIds.length,
    remove: async (name: string, selection: NodeSelection) =>
      this.#group('removeFromGroup', name, selection).nodeIds.length,
  };

  #group(method: string, name: string, ...args: unknown[]) {
    this.#called(method, name, ...args);
    return { name, parent: null, description: '', nodeIds: ['a'], totalNodes: 1, createdAt: NOW };
  }

  readonly contents = new Map<string, Uint8Array>();
  readonly files = stubFiles(this, (name, ...args) => this.#called(name, ...args));

  readonly machines: Machines = stubMachines((name, ...args) => this.#called(name, ...args));

  scheduleSteps: ScheduleTransition[] = [];
  readonly schedules: Schedules = {
    create: async (draft, caller) => {
      this.#called('createSchedule', draft, caller);
      return scheduleRecord(draft.name, draft.spec);
    },
    update: async (key, expectedVersion, revise, caller) => {
      const draft = revise(this.scheduleSpec);
      this.#called('updateSchedule', key, expectedVersion, draft, caller);
      return scheduleRecord(draft.name, draft.spec);
    },
    get: async (key) => this.#onSchedule('getSchedule', key),
    list: async (limit, after) => {
      this.#called('listSchedules', limit, after);
      const all = ['a', 'b', 'c'].map((name) => scheduleRecord(name, {}));
      return all.filter(({ name }) => after === null || name > after).slice(0, limit);
    },
    pause: async (key, note, caller) => this.#onSchedule('pauseSchedule', key, note, caller),
    resume: async (key, caller) => this.#onSchedule('resumeSchedule', key, caller),
    trigger: async (key, caller) => ({
      record: this.#onSchedule('triggerSchedule', key, caller),
      fire: { dueAt: NOW, isManual: true, taskId: taskId(1), why: '', at: NOW },
    }),
    delete: async (key) => void this.#onSchedule('deleteSchedule', key),
    preview: (timing, startAt, endAt, count) => {
      this.#called('previewSchedule', timing, startAt, endAt, count);
      return [NOW, NOW + 1_000];
    },
    fires: async (key, limit, beforeDueAt) => {
      this.#called('listFires', key, limit, beforeDueAt);
      return [{ dueAt: NOW, isManual: false, taskId: null, why: 'missed', at: NOW }];
    },
    history: async (key, afterVersion, limit) => {
      this.#called('scheduleHistory', key, afterVersion, limit);
      return this.scheduleSteps.filter(({ version }) => version > afterVersion).slice(0, limit);
    },
    verify: async (key) => {
      this.#called('verifySchedule', key);
      return { differences: [], fromVersion: 7 };
    },
  };

  readonly actors: Actors = {
    async *follow() {
      // Nothing moves here.
    },
  };

  #onSchedule(name: string, key: string, ...args: unknown[]): ScheduleRecord {
    this.#called(name, key, ...args);
    return scheduleRecord(key, {});
  }

  readonly sessions = {
    heartbeatIntervalMs: 5_000,
    deadAfterMs: 15_000,
    open: async (hello: AgentHello, link: AgentLink) => {
      this.#called('open', hello);
      const session: StubSession = {
        hello,
        link,
        received: [],
        heard: 0,
        metrics: null,
        isBegun: false,
        ended: null,
      };
      this.open.push(session);
      const told = (change: () => void) => {
        change();
        this.onSession();
      };
      return {
        epoch: 7,
        begin: () => told(() => (session.isBegun = true)),
        receive: (seq: number, events: readonly AgentEvent[]) =>
          told(() => session.received.push({ seq, events })),
        heard: (metrics: HostMetrics | null = null) =>
          told(() => {
            session.heard += 1;
            session.metrics = metrics;
          }),
        ended: (isLeaving: boolean) => told(() => (session.ended = isLeaving)),
      };
    },
  };

  #called(name: string, ...args: unknown[]): void {
    this.calls.push({ name, args });
    if (this.failure !== null) throw this.failure;
  }

  #act(name: string, id: string, ...args: unknown[]): TaskRecord {
    this.#called(name, id, ...args);
    return this.#find(id);
  }

  #find(id: string): TaskRecord {
    const found = this.records.find((one) => one.id === id);
    if (found !== undefined) return found;
    throw new MusterError('unknown_task', `There is no task ${id}`);
  }

  async *#items(): AsyncIterable<OutputItem> {
    yield* this.output;
  }
}

async function* empty(): AsyncIterable<never> {}

/** Yields what the source has and then waits for the signal, as a watcher does. */
async function* until<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncIterable<T> {
  yield* source;
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}
