/** A history for tests: two attempts, the second one completes. */
import { create } from '@bufbuild/protobuf';
import type { JsonObject } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { type Transition, TransitionSchema } from '../../../proto/gen/muster/v1/task_pb.ts';

type Row = readonly [
  event: string,
  to: string,
  seconds: number,
  attempt: number,
  body?: JsonObject,
];

const ROWS: readonly Row[] = [
  [
    'task.created',
    'pending.queued',
    0,
    0,
    { input: { target: { kind: 'any' }, policy: { timeoutMs: 60_000, maxAttempts: 2 } } },
  ],
  ['attempt.dispatched', 'running.dispatched', 2, 1, { nodeId: 'web-1', epoch: 1 }],
  ['attempt.started', 'running.executing', 3, 1, { nodeId: 'web-1', epoch: 1 }],
  ['attempt.exited', 'pending.delayed', 8, 1, { nodeId: 'web-1', exitCode: 3, signal: null }],
  ['timer.fired', 'pending.queued', 9, 1],
  ['attempt.dispatched', 'running.dispatched', 10, 2, { nodeId: 'web-2', epoch: 4 }],
  ['attempt.started', 'running.executing', 11, 2, { nodeId: 'web-2', epoch: 4 }],
  ['attempt.exited', 'completed', 21, 2, { nodeId: 'web-2', exitCode: 0, signal: null }],
];

/** 2026-01-01T00:00:00Z, ms since 1970. */
export const START_MS = 1_767_225_600_000;

export const STEPS: readonly Transition[] = ROWS.map(
  ([eventType, toState, seconds, attempt, event = {}], index) =>
    create(TransitionSchema, {
      version: index + 1,
      eventType,
      event,
      fromState: ROWS[index - 1]?.[1] ?? '',
      toState,
      at: timestampFromMs(START_MS + seconds * 1_000),
      attempt,
    }),
);
