/**
 * The bounds of an attempt, from the command that starts it. Used by Attempts.
 */
import type { Duration } from '@bufbuild/protobuf/wkt';
import { durationMs } from '@bufbuild/protobuf/wkt';
import { DEFAULT_TASK_POLICY } from '../machines/task-context.ts';
import type { StartAttempt } from '../proto/gen/muster/v1/agent_service_pb.ts';
import type { AttemptPolicy } from './attempt-record.ts';

const DEFAULT_OUTPUT_CAP_BYTES = 16 * 2 ** 20;

/** Returns the bounds that a command gives, with the defaults where it says nothing. Whole ms. */
export function policyOf(start: StartAttempt): AttemptPolicy {
  return {
    timeoutMs: msOf(start.timeout) ?? DEFAULT_TASK_POLICY.timeoutMs,
    stopGraceMs: msOf(start.stopGrace) ?? DEFAULT_TASK_POLICY.stopGraceMs,
    outputCapBytes: Number(start.outputCapBytes) || DEFAULT_OUTPUT_CAP_BYTES,
    leaseMs: msOf(start.lease) ?? null,
  };
}

function msOf(duration: Duration | undefined): number | undefined {
  return duration === undefined ? undefined : Math.max(Math.round(durationMs(duration)), 0);
}
