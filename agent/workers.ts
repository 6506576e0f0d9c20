/**
 * All workers of this agent, as its supervisor sees and operates them: slots of the pool, and kept commands.
 *
 * Level, not edge: what is told follows from where each worker stands and what was told of it in this session. That a worker takes
 * no work any more, or again, is told at once, since the supervisor counts free slots (I8); that a slot is busy only when it has
 * lasted for a second, so that thousands of short attempts cost nothing.
 */
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  EventSchema,
  type OperateWorker,
  type WorkerChanged,
  WorkerChangedSchema,
} from '../proto/gen/muster/v1/agent_service_pb.ts';
import {
  KeepPolicy,
  WorkerKind,
  WorkerOperation,
  WorkerState,
} from '../proto/gen/muster/v1/worker_pb.ts';
import type { Clock, Timer } from '../src/process/clock.ts';
import type { Logger } from '../src/process/log.ts';
import type { KeepPolicyName } from './kept/keep.ts';
import type { Operations } from './operations.ts';
import type { Pool } from './pool.ts';
import type { Reporter } from './reporter.ts';
import {
  messageOf,
  type OperationName,
  type WorkerStateName,
  type WorkerStatus,
} from './worker-actor.ts';

/** A kept command, besides where its worker stands. */
export interface KeptStatus extends WorkerStatus {
  /** The leader of its process group; null for none. */
  readonly pid: number | null;
  readonly command: string;
  readonly policy: KeepPolicyName;
}

/** Workers that are no slots. */
export interface KeptWorkers {
  statuses(): KeptStatus[];
  status(name: string): KeptStatus | null;
  operate(name: string, operation: OperationName): boolean;
}

export interface WorkersOptions {
  readonly pool: Pick<Pool, 'statuses' | 'status' | 'operate'>;
  readonly kept: KeptWorkers;
  readonly operations: Operations;
  readonly reporter: Pick<Reporter, 'note'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How long a slot is busy with one attempt before that is told; also how often changes that can wait are told. */
const SETTLE_MS = 1_000;
const MAX_WHY_BYTES = 4_096;

const STATES: Readonly<Record<WorkerStateName, WorkerState>> = {
  starting: WorkerState.STARTING,
  idle: WorkerState.IDLE,
  busy: WorkerState.BUSY,
  backing_off: WorkerState.BACKING_OFF,
  crashed: WorkerState.CRASHED,
  stopped: WorkerState.STOPPED,
};

const POLICIES: Readonly<Record<KeepPolicyName, KeepPolicy>> = {
  always: KeepPolicy.ALWAYS,
  'on-failure': KeepPolicy.ON_FAILURE,
  never: KeepPolicy.NEVER,
};

const ASKED = { stop: WorkerOperation.STOP, restart: WorkerOperation.RESTART } as const;

const OPERATIONS: Readonly<Partial<Record<WorkerOperation, OperationName>>> = {
  [WorkerOperation.START]: 'start',
  [WorkerOperation.STOP]: 'stop',
  [WorkerOperation.RESTART]: 'restart',
};

/** In these states a slot takes no attempts until something is done about it. */
const UNUSABLE: ReadonlySet<WorkerStateName> = new Set([
  'starting',
  'backing_off',
  'crashed',
  'stopped',
]);

interface Told {
  /** All of it but since when. */
  readonly digest: string;
  readonly isUnusable: boolean;
  /** The attempt that the supervisor sees it busy with. */
  readonly busyWith: string | null;
}

export class Workers {
  readonly #options: WorkersOptions;
  /** By name; what was told in this session, its Hello included. */
  readonly #told = new Map<string, Told>();
  #timer: Timer | null = null;
  #isOpen = false;

  constructor(options: WorkersOptions) {
    this.#options = options;
  }

  names(): string[] {
    return this.#statuses().map(({ name }) => name);
  }

  /** What Hello lists. */
  list(): WorkerChanged[] {
    this.#isOpen = false;
    return this.#statuses().map((status) => {
      const seen = this.#seen(status);
      this.#told.set(status.name, this.#toldOf(seen));
      return this.#messageOf(seen);
    });
  }

  /** A session is open: tells what has changed since its Hello. */
  online(): void {
    this.#isOpen = true;
    this.#tellAll();
  }

  /** A worker has changed. */
  changed(name: string): void {
    if (!this.#isOpen) return;
    const status = this.#options.pool.status(name) ?? this.#options.kept.status(name);
    if (status === null) return;
    const isUrgent =
      isKept(status) || isUnusable(status) || this.#told.get(name)?.isUnusable !== false;
    if (isUrgent) this.#tell(status);
    else this.#lookLater();
  }

  /** Carries out what somebody asks, once, and answers with where the worker stands. */
  operate({ worker, operation, seq }: OperateWorker): void {
    const { pool, kept, operations, log } = this.#options;
    const name = OPERATIONS[operation];
    const isHere = pool.status(worker) !== null || kept.status(worker) !== null;
    if (name === undefined || !isHere) {
      log.warn('an operation that cannot be carried out', { worker, operation });
      return;
    }
    try {
      if (operations.accept(worker, name, Number(seq))) {
        log.info('worker operated', { worker, operation: name });
        if (!pool.operate(worker, name)) kept.operate(worker, name);
      }
    } catch (cause) {
      // Not confirmed, so it comes again.
      log.error('cannot write down an operation', { worker, why: messageOf(cause) });
      return;
    }
    const status = pool.status(worker) ?? kept.status(worker);
    if (status !== null && this.#isOpen) this.#tell(status);
  }

  close(): void {
    this.#isOpen = false;
    this.#timer?.cancel();
  }

  #statuses(): WorkerStatus[] {
    return [...this.#options.pool.statuses(), ...this.#options.kept.statuses()];
  }

  #lookLater(): void {
    this.#timer ??= this.#options.clock.after(SETTLE_MS, () => {
      this.#timer = null;
      if (this.#isOpen) this.#tellAll();
    });
  }

  #tellAll(): void {
    for (const status of this.#statuses()) {
      const seen = this.#seen(status);
      this.#tell(seen);
      if (seen !== status) this.#lookLater();
    }
  }

  /** Tells where a worker stands, unless that is known. */
  #tell(status: WorkerStatus): void {
    const told = this.#toldOf(status);
    if (this.#told.get(status.name)?.digest === told.digest) return;
    this.#told.set(status.name, told);
    const event = { case: 'worker', value: this.#messageOf(status) } as const;
    this.#options.reporter.note(`worker ${status.name}`, create(EventSchema, { event }));
  }

  /** A slot that has just become busy is seen as idle for a while. */
  #seen(status: WorkerStatus): WorkerStatus {
    if (isKept(status) || status.state !== 'busy' || status.asked !== null) return status;
    const hasLasted = this.#options.clock.now() - status.since >= SETTLE_MS;
    const isTold = this.#told.get(status.name)?.busyWith === busyWithOf(status);
    return hasLasted || isTold ? status : { ...status, state: 'idle', assignment: null };
  }

  #toldOf(status: WorkerStatus): Told {
    const { since: _, ...rest } = status;
    const digest = JSON.stringify({ ...rest, seq: this.#options.operations.seqOf(status.name) });
    return { digest, isUnusable: isUnusable(status), busyWith: busyWithOf(status) };
  }

  #messageOf(status: WorkerStatus): WorkerChanged {
    const { name, state, since, assignment, asked, failures, nextStartAt, why } = status;
    const slot = /^slot-(\d+)$/.exec(name)?.[1];
    return create(WorkerChangedSchema, {
      name,
      slot: Number(slot ?? 0),
      kind: isKept(status) ? WorkerKind.KEPT : WorkerKind.SLOT,
      state: STATES[state],
      since: timestampFromMs(since),
      ...assignment,
      failures,
      why: Buffer.from(why)
        .subarray(0, MAX_WHY_BYTES - 3)
        .toString(),
      operationSeq: BigInt(this.#options.operations.seqOf(name)),
      ...(asked === null ? {} : { asked: ASKED[asked] }),
      ...(nextStartAt === null ? {} : { nextStartAt: timestampFromMs(nextStartAt) }),
      ...(isKept(status)
        ? { pid: status.pid ?? 0, command: status.command, keepPolicy: POLICIES[status.policy] }
        : {}),
    });
  }
}

function isKept(status: WorkerStatus): status is KeptStatus {
  return 'command' in status;
}

function isUnusable({ state, asked }: WorkerStatus): boolean {
  return UNUSABLE.has(state) || asked !== null;
}

function busyWithOf({ assignment }: WorkerStatus): string | null {
  return assignment === null ? null : `${assignment.taskId}/${assignment.attempt}`;
}
