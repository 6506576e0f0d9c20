// What holds for every task after every sequence of events, likely or not. Fixed seed: a failure comes again.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTask, decideTask, isFinalPath, wakeAt } from './decide.ts';
import type { Decision, TaskSnapshot } from './decide.ts';
import { replayTask } from './replay.ts';
import { CREATED_AT, VARIANTS, configurationOf, outcomeOf, taskInput } from './task-cases.ts';
import type { Variant } from './task-cases.ts';
import { DEFAULT_TASK_POLICY } from './task-context.ts';
import type { TaskInput } from './task-context.ts';
import type { TaskEvent, TaskEventBody } from './task-events.ts';
import { stamp, walkTaskMachine } from './task-walk.ts';
import type { Visit } from './task-walk.ts';

const SEED = 20_261_123;
const visits = walkTaskMachine();

/** What moves a task without ending it: one variant for each place that it can move to, so that none is rare. */
const onward = new Map([...visits.values()].map((visit) => [visit, waysOn(visit)]));

function waysOn({ targets }: Visit): readonly Variant[] {
  const ways = new Map<string, Variant>();
  for (const variant of VARIANTS) {
    for (const target of targets.get(variant.name) ?? []) {
      if (!isFinalPath(target) && !ways.has(target)) ways.set(target, variant);
    }
  }
  return ways.size > 0 ? [...ways.values()] : VARIANTS;
}

const durations = fc.integer({ min: 1_000, max: 1_000_000 });
const inputs: fc.Arbitrary<TaskInput> = fc
  .record({
    maxAttempts: fc.integer({ min: 1, max: 4 }),
    timeoutMs: durations,
    lostAfterMs: durations,
    retryInitialMs: fc.integer({ min: 1, max: 86_400_000 }),
    retryMaxMs: fc.integer({ min: 1, max: 86_400_000 }),
    held: fc.boolean(),
    // Mostly waiting, as in life: an impatient task is soon over.
    offline: fc.constantFrom(undefined, undefined, undefined, 'skip' as const, 'fail' as const),
    startAfterMs: fc.option(fc.integer({ min: -1_000, max: 3_600_000 })),
  })
  .map(({ held, offline, startAfterMs, ...policy }) =>
    taskInput({
      held,
      startAt: startAfterMs === null ? null : CREATED_AT + startAfterMs,
      policy: {
        ...DEFAULT_TASK_POLICY,
        ...policy,
        ...(offline === undefined ? {} : { offline }),
      },
    }),
  );

/** Events without regard to the task: mostly of wrong attempts, sessions and nodes. */
const strangers: fc.Arbitrary<TaskEventBody> = fc
  .record({
    variant: fc.constantFrom(...VARIANTS),
    attempt: fc.integer({ min: -1, max: 5 }),
    epoch: fc.integer({ min: 0, max: 9 }),
    nodeId: fc.constantFrom('n1', 'n2', ''),
    bootId: fc.constantFrom('b1', 'b2'),
  })
  .map(({ variant, ...fields }) => {
    const body = variant.make(createTask(taskInput()).snapshot);
    const known = Object.entries(fields).filter(([name]) => name in body);
    return { ...body, ...Object.fromEntries(known) };
  });

interface Step {
  /** Null for a variant, chosen by `choice` among all, or among those that do not end the task but move it. */
  readonly stranger: TaskEventBody | null;
  readonly isMoving: boolean;
  readonly choice: number;
  readonly elapsedMs: number;
  readonly random: number;
}

/** Not biased to short sequences: what matters lies deep. */
const sequences: fc.Arbitrary<Step[]> = fc.noBias(
  fc.array(
    fc.record({
      stranger: fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, strangers),
      isMoving: fc.boolean(),
      choice: fc.nat({ max: 1_000_000 }),
      elapsedMs: fc.integer({ min: 1_000, max: 60_000 }),
      random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    }),
    { minLength: 1, maxLength: 16, size: 'max' },
  ),
);

interface Applied {
  readonly before: TaskSnapshot;
  readonly event: TaskEvent;
  readonly decision: Decision;
  /** What the table says; null for an event without regard to the task. */
  readonly expected: string | null;
}

/** Applies steps in turn, every snapshot and event frozen. */
function apply(input: TaskInput, sequence: readonly Step[]): Applied[] {
  const applied: Applied[] = [];
  let before = deepFreeze(createTask(deepFreeze(input)).snapshot);
  let at = CREATED_AT;
  for (const { stranger, isMoving, choice, elapsedMs, random } of sequence) {
    at += elapsedMs;
    const visit = visits.get(configurationOf(before));
    const choices = (isMoving && visit ? onward.get(visit) : null) ?? VARIANTS;
    const variant = choices[choice % choices.length] as Variant;
    const event: TaskEvent = deepFreeze(
      stranger === null ? stamp(variant, before, at, random) : { ...stranger, at, random },
    );
    at = Math.max(at, event.at);
    const decision = decideTask(before, event);
    const expected = stranger === null ? (visit?.outcomes.get(variant.name) ?? 'unknown') : null;
    applied.push({ before, event, decision, expected });
    if (decision.kind === 'transition') before = deepFreeze(decision.snapshot);
  }
  return applied;
}

function deepFreeze<T>(value: T): T {
  if (value !== null && typeof value === 'object' && !Object.isFrozen(value)) {
    for (const part of Object.values(value)) deepFreeze(part);
    Object.freeze(value);
  }
  return value;
}

/** Tells whether a value comes back from JSON as it went in. */
function isJson(value: unknown): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0);
  if (typeof value !== 'object') return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return (
    (prototype === Object.prototype || Array.isArray(value)) && Object.values(value).every(isJson)
  );
}

/** What must hold in every snapshot; returns what does not. */
function brokenRules({ path, context }: TaskSnapshot): string[] {
  const { attempt, current, policy, stopCause, unreachableAt } = context;
  const isRunning = path.startsWith('running.');
  const rules: Record<string, boolean> = {
    'current exactly while running': (current !== null) === isRunning,
    'attempt ≤ max_attempts (I2)': attempt <= policy.maxAttempts,
    'another attempt to come while pending':
      isRunning || isFinalPath(path) || attempt < policy.maxAttempts,
    'unreachable since exactly while unreachable':
      (unreachableAt !== null) === (path === 'running.unreachable'),
    'delayed until exactly while delayed':
      (context.delayedUntil !== null) === (path === 'pending.delayed'),
    'a stop cause while stopping': path !== 'running.stopping' || stopCause !== null,
    'a stop cause only while stopping or unreachable':
      stopCause === null || path === 'running.stopping' || path === 'running.unreachable',
    'a deadline exactly with a process':
      (current?.startedAt ?? null) === null || current?.deadlineAt != null,
    'a process while executing': path !== 'running.executing' || current?.startedAt != null,
    'finished exactly when final (I1)': (context.finishedAt !== null) === isFinalPath(path),
    'an end for each attempt before this one':
      (context.ended?.number ?? 0) === (isRunning ? attempt - 1 : attempt),
    'never wakes once final': wakeAt({ path, context }) === null || !isFinalPath(path),
    'a reason for every bad end':
      (path !== 'failed' && path !== 'timeout' && path !== 'cancelled') || context.reason !== null,
    'JSON values only': isJson(context),
  };
  return Object.keys(rules).filter((rule) => !rules[rule]);
}

/** What must hold between an event and what it did; returns what does not. */
function brokenSteps({ before, event, decision, expected }: Applied): string[] {
  const broken =
    expected === null || expected === outcomeOf(decision) ? [] : [`the table says ${expected}`];
  if (decision.kind === 'late')
    return decision.why === '' ? [...broken, 'a late report says why'] : broken;
  if (decision.kind !== 'transition') return broken;
  const { snapshot, effects } = decision;
  const isDispatch = event.type === 'attempt.dispatched';
  const attempts = snapshot.context.attempt - before.context.attempt;
  if (isFinalPath(before.path)) broken.push('a final state is left (I1)');
  if (attempts !== (isDispatch ? 1 : 0)) broken.push('an attempt without a dispatch (I2)');
  if (!isJson(effects)) broken.push('an effect is more than JSON');
  const starts = effects.some(({ type }) => type === 'startAttempt');
  if (starts && snapshot.path !== 'running.dispatched')
    broken.push('a start beside dispatched (I2)');
  return [...broken, ...brokenRules(snapshot)];
}

/** jsonb keeps values, not the order of keys: shorter ones come first. */
function asStored<T>(value: T): T {
  const sorted = (_: string, item: unknown) =>
    item !== null && typeof item === 'object' && !Array.isArray(item)
      ? Object.fromEntries(
          Object.entries(item).sort(([a], [b]) => a.length - b.length || (a < b ? -1 : 1)),
        )
      : item;
  return JSON.parse(JSON.stringify(value, sorted)) as T;
}

describe('any task after any sequence of events', () => {
  it('keeps its rules, does what the table says, never leaves a final state or runs after a cancel (I1, I2, I6)', () => {
    const visited = new Set<string>();
    let cancels = 0;
    fc.assert(
      fc.property(inputs, sequences, (input, sequence) => {
        const applied = apply(input, sequence);
        const broken = applied.flatMap((one) => brokenSteps(one).map((rule) => [rule, one]));
        if (broken.length > 0) expect(broken).toEqual([]);
        const first = brokenRules(createTask(input).snapshot);
        if (first.length > 0) expect(first).toEqual([]);
        const types = applied
          .filter(({ decision }) => decision.kind === 'transition')
          .map(({ event }) => event.type);
        const cancelledAt = types.indexOf('cancel.requested');
        if (cancelledAt !== -1) {
          cancels += 1;
          if (types.includes('attempt.dispatched', cancelledAt)) expect(types).toEqual([]);
        }
        for (const { before } of applied) visited.add(configurationOf(before));
      }),
      { numRuns: 10_000, seed: SEED },
    );
    // The sequences go everywhere, or this would prove little; and nowhere that the table does not know.
    expect(cancels).toBeGreaterThan(1_000);
    expect([...visited].sort()).toEqual([...visits.keys()].sort());
  });

  it('is replayed from its stored events to its stored snapshots, value for value (I4)', () => {
    fc.assert(
      fc.property(inputs, sequences, (input, sequence) => {
        const transitions = apply(input, sequence).flatMap(({ event, decision }) =>
          decision.kind === 'transition' ? [{ event, snapshot: decision.snapshot }] : [],
        );
        const events = asStored(transitions.map(({ event }) => event));
        const replay = replayTask(asStored(input), events);
        expect(replay.problem).toBeNull();
        expect(replay.snapshots.slice(1)).toStrictEqual(
          asStored(transitions.map(({ snapshot }) => snapshot)),
        );
      }),
      { numRuns: 1_500, seed: SEED },
    );
  });
});
