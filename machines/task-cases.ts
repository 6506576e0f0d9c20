/**
 * The alphabet of the task machine's tests: tasks to begin with, and every kind of event as it looks from a given task.
 *
 * A variant is an event relative to a snapshot ("the report of an old attempt", "the timer, just due"), so that a few names reach
 * every guard from every state. Imported by tests only.
 */
import { wakeAt } from './decide.ts';
import type { Decision, TaskSnapshot } from './decide.ts';
import { DEFAULT_TASK_POLICY } from './task-context.ts';
import type { TaskInput } from './task-context.ts';
import type { AttemptExited, TaskEventBody } from './task-events.ts';

export const CREATED_AT = 1_000_000;
const LONG_MS = 30 * 24 * 3_600_000;

/** One kind of event. `at` overrides the time that the caller proposes. */
export interface Variant {
  readonly name: string;
  make(before: TaskSnapshot): TaskEventBody;
  at?(before: TaskSnapshot, proposed: number): number;
}

/** Returns a task to begin with. */
export function taskInput(change: Partial<TaskInput> & { maxAttempts?: number } = {}): TaskInput {
  const { maxAttempts = 1, ...input } = change;
  return {
    id: '0198a2c4-0000-7000-8000-000000000001',
    target: { kind: 'any' },
    policy: { ...DEFAULT_TASK_POLICY, maxAttempts },
    held: false,
    startAt: null,
    createdAt: CREATED_AT,
    ...input,
  };
}

/** Every way to begin, with one attempt and with two, and with a timeout on either side of lost_after. */
export function startingInputs(): TaskInput[] {
  const later = CREATED_AT + 3_600_000;
  const policies = [1, 2].flatMap((maxAttempts) =>
    [60_000, 600_000].map((timeoutMs) => ({ ...DEFAULT_TASK_POLICY, maxAttempts, timeoutMs })),
  );
  const impatient = (['skip', 'fail'] as const).flatMap((offline) =>
    [1, 2].map((maxAttempts) =>
      taskInput({ policy: { ...DEFAULT_TASK_POLICY, maxAttempts, offline } }),
    ),
  );
  return [
    ...policies.flatMap((policy) => [
      taskInput({ policy }),
      taskInput({ policy, startAt: later }),
      taskInput({ policy, held: true }),
      taskInput({ policy, held: true, startAt: later }),
    ]),
    ...impatient,
  ];
}

/** Names a state with everything that makes a difference to what happens next. */
export function configurationOf({ path, context }: TaskSnapshot): string {
  const { attempt, current, policy, stopCause } = context;
  const words: string[] = [];
  if (path === 'pending.held') words.push(isLater(context) ? 'start_at to come' : 'no start_at');
  if (path === 'pending.delayed') words.push(attempt === 0 ? 'start_at' : 'retry');
  if (path === 'pending.queued') {
    words.push(attempt === 0 ? 'first attempt' : 'next attempt');
    if (policy.offline !== undefined) words.push(`${policy.offline} offline`);
  }
  if (path.startsWith('running.')) {
    words.push(attempt < policy.maxAttempts ? 'more attempts' : 'last attempt');
  }
  if (path === 'running.stopping' || path === 'running.unreachable') {
    words.push(stopCause ?? 'no stop');
    if (stopCause !== 'timeout')
      words.push(current?.startedAt === null ? 'not started' : 'started');
  }
  if (path === 'running.unreachable' && stopCause === null && current?.startedAt !== null) {
    const lostAt = (context.unreachableAt ?? 0) + policy.lostAfterMs;
    words.push((current?.deadlineAt ?? 0) < lostAt ? 'deadline first' : 'lost first');
  }
  return words.length === 0 ? path : `${path}: ${words.join(', ')}`;
}

function isLater({ startAt, createdAt }: TaskInput): boolean {
  return startAt !== null && startAt > createdAt;
}

/** Says in a few words what an event did: `→ state [stop cause] +effects`, or the kind of the decision. */
export function outcomeOf(decision: Decision): string {
  if (decision.kind !== 'transition') return decision.kind;
  const { path, context } = decision.snapshot;
  const cause = context.stopCause === null ? '' : ` [${context.stopCause}]`;
  return `→ ${path}${cause}${decision.effects.map(({ type }) => ` +${type}`).join('')}`;
}

/** The session that the task is on, or was last on. */
function sessionOf({ context }: TaskSnapshot) {
  const nodeId = context.current?.nodeId ?? context.ended?.nodeId ?? 'n1';
  return { nodeId, epoch: context.current?.epoch ?? 5, bootId: context.current?.bootId ?? 'b1' };
}

/** Who reports, by attempt and epoch relative to the task's own. */
const ORIGINS = [
  { name: 'current', attempt: 0, epoch: 0, nodeId: null },
  { name: 'newer epoch', attempt: 0, epoch: 1, nodeId: null },
  { name: 'old epoch', attempt: 0, epoch: -1, nodeId: null },
  { name: 'old attempt', attempt: -1, epoch: 0, nodeId: null },
  { name: 'future attempt', attempt: 1, epoch: 0, nodeId: null },
  { name: 'another node', attempt: 0, epoch: 0, nodeId: 'n9' },
] as const;

type Origin = (typeof ORIGINS)[number];

function originOf(before: TaskSnapshot, origin: Origin) {
  const { nodeId, epoch } = sessionOf(before);
  return {
    attempt: before.context.attempt + origin.attempt,
    nodeId: origin.nodeId ?? nodeId,
    epoch: epoch + origin.epoch,
  };
}

/** Host times that no attempt before has had: a report of the same times says again what is known. */
function hostTimes({ context }: TaskSnapshot) {
  const base = 10 * ((context.ended?.number ?? 0) + 1);
  return { acceptedAt: base + 1, startedAt: base + 2 };
}

const EXITS: Record<string, Partial<AttemptExited>> = {
  'code 0': {},
  'code 7': { exitCode: 7 },
  signal: { exitCode: 137, signal: 'SIGKILL' },
  'failed handler': { exitCode: 1, failure: 'no disk' },
  'no process': { exitCode: null, spawnError: 'no such interpreter', startedAt: null },
  'code 0, by cancel': { stopCause: 'cancel' },
  'by cancel': { exitCode: 143, signal: 'SIGTERM', stopCause: 'cancel' },
  'by timeout': { exitCode: 143, signal: 'SIGTERM', stopCause: 'timeout' },
  'start overdue': {
    exitCode: null,
    stopCause: 'timeout',
    spawnError: 'the start has not returned',
    startedAt: null,
  },
  'by lease': { exitCode: 143, signal: 'SIGTERM', stopCause: 'lease' },
};

function exited(
  before: TaskSnapshot,
  origin: Origin,
  change: Partial<AttemptExited>,
): AttemptExited {
  return {
    type: 'attempt.exited',
    ...originOf(before, origin),
    exitCode: 0,
    signal: null,
    stopCause: null,
    spawnError: null,
    ...hostTimes(before),
    exitedAt: hostTimes(before).startedAt + 1,
    stdoutBytes: 3,
    stderrBytes: 2,
    droppedBytes: 1,
    ...change,
  };
}

const [CURRENT, ...OTHERS] = ORIGINS;
const HELD = [null, 'accepted', 'executing', 'stopping', 'ended'] as const;

const COMMANDS: Variant[] = [
  {
    name: 'execute',
    make: () => ({ type: 'execute.requested', by: 'ann' }),
    at: ({ context }, proposed) =>
      isLater(context) ? Math.min(proposed, (context.startAt ?? 0) - 1) : proposed,
  },
  {
    name: 'execute after start_at',
    make: () => ({ type: 'execute.requested', by: 'ann' }),
    at: ({ context }, proposed) => Math.max(proposed, context.startAt ?? 0),
  },
  { name: 'cancel', make: () => ({ type: 'cancel.requested', by: 'ann', note: '' }) },
  {
    name: 'cancel if not begun',
    make: () => ({ type: 'cancel.requested', by: 'ann', note: '', ifNotBegun: true }),
  },
  ...(['lost', 'completed', 'failed', 'cancelled'] as const).map((resolution) => ({
    name: `resolve as ${resolution}`,
    make: () => ({ type: 'resolve.requested', by: 'ann', note: '', resolution }) as const,
  })),
];

const TIMERS: Variant[] = (
  [
    ['too early', -1],
    ['due', 0],
    ['long due', LONG_MS],
  ] as const
).map(([name, offset]) => ({
  name: `timer ${name}`,
  make: () => ({ type: 'timer.fired' }),
  at: (before, proposed) => (wakeAt(before) ?? proposed) + offset,
}));

const REPORTS: Variant[] = [
  ...ORIGINS.map((origin) => ({
    name: `started, ${origin.name}`,
    make: (before: TaskSnapshot) =>
      ({
        type: 'attempt.started',
        ...originOf(before, origin),
        ...hostTimes(before),
      }) as const,
  })),
  ...Object.entries(EXITS).map(([name, change]) => ({
    name: `exited, ${name}`,
    make: (before: TaskSnapshot) => exited(before, CURRENT, change),
  })),
  ...OTHERS.map((origin) => ({
    name: `exited, ${origin.name}`,
    make: (before: TaskSnapshot) => exited(before, origin, {}),
  })),
  ...ORIGINS.map((origin) => ({
    name: `lost, ${origin.name}`,
    make: (before: TaskSnapshot) =>
      ({ type: 'attempt.lost', ...originOf(before, origin), why: 'no trace of it' }) as const,
  })),
];

function opened(
  name: string,
  epoch: number,
  held: (typeof HELD)[number],
  other: object = {},
): Variant {
  return {
    name: `session ${name}, ${held === null ? 'not held' : `holds it ${held}`}`,
    make(before) {
      const session = sessionOf(before);
      return { type: 'session.opened', ...session, epoch: session.epoch + epoch, held, ...other };
    },
  };
}

const SESSIONS: Variant[] = [
  ...HELD.map((held) => opened('new', 1, held)),
  opened('new after a boot', 1, null, { bootId: 'b9' }),
  opened('new after a boot', 1, 'accepted', { bootId: 'b9' }),
  opened('new after a boot', 1, 'ended', { bootId: 'b9' }),
  opened('the same', 0, null),
  opened('the same', 0, 'executing'),
  opened('old', -1, null),
  opened('old', -1, 'executing'),
  opened('of another node', 1, null, { nodeId: 'n9' }),
  ...([-1, 0, 1] as const).map((epoch) => ({
    name: `session lost, ${{ '-1': 'old', 0: 'the same', 1: 'newer' }[epoch]}`,
    make(before: TaskSnapshot) {
      const session = sessionOf(before);
      return {
        type: 'session.lost',
        nodeId: session.nodeId,
        epoch: session.epoch + epoch,
      } as const;
    },
  })),
  {
    name: 'session lost, of another node',
    make: (before) => ({ type: 'session.lost', nodeId: 'n9', epoch: sessionOf(before).epoch }),
  },
];

/** Every variant, in the order of the table. */
export const VARIANTS: readonly Variant[] = [
  ...COMMANDS,
  {
    name: 'dispatched',
    make: () => ({ type: 'attempt.dispatched', nodeId: 'n1', epoch: 5, bootId: 'b1' }),
  },
  { name: 'target offline', make: () => ({ type: 'target.offline', who: 'node n1 is' }) },
  ...REPORTS,
  ...SESSIONS,
  ...TIMERS,
  {
    name: 'upgraded by a newer program',
    make: () => ({ type: 'machine.upgraded', fromVersion: 1, toVersion: 2 }),
  },
];
