/**
 * Times and durations between the domain (numbers, in ms) and protobuf.
 *
 * Reading checks what protobuf leaves open: a Timestamp or Duration on the wire can hold numbers that are none.
 */
import { create } from '@bufbuild/protobuf';
import {
  type Duration,
  DurationSchema,
  type Timestamp,
  TimestampSchema,
} from '@bufbuild/protobuf/wkt';
import { MusterError } from '../../machines/errors.ts';

/** 9999-12-31T23:59:59Z, the last second that RFC 3339 can write. */
const LAST_SECOND = 253_402_300_799n;

/** Writes a time in ms since 1970; null for none. */
export function timestampOf(ms: number | null): Timestamp | undefined {
  if (ms === null) return undefined;
  const seconds = Math.floor(ms / 1000);
  const nanos = Math.round((ms - seconds * 1000) * 1_000_000);
  return create(TimestampSchema, { seconds: BigInt(seconds), nanos });
}

/**
 * Reads a time as whole ms since 1970; null for none.
 *
 * @param action completes the sentence `Cannot …`
 * @throws MusterError `invalid_argument` for anything outside of 1970 to 9999
 */
export function msOfTimestamp(
  timestamp: Timestamp | undefined,
  field: string,
  action: string,
): number | null {
  if (timestamp === undefined) return null;
  const { seconds, nanos } = timestamp;
  const isTime = seconds >= 0n && seconds <= LAST_SECOND && nanos >= 0 && nanos < 1_000_000_000;
  if (!isTime) {
    throw new MusterError(
      'invalid_argument',
      `Cannot ${action}: ${field} is ${seconds} s and ${nanos} ns from 1970; it must be from 1970 to 9999`,
    );
  }
  return Number(seconds) * 1000 + Math.floor(nanos / 1_000_000);
}

/** Reads a time that an agent sent; null for none or nonsense, since a host's clock decides nothing. */
export function hostMsOf(timestamp: Timestamp | undefined): number | null {
  if (timestamp === undefined) return null;
  const ms = Number(timestamp.seconds) * 1000 + timestamp.nanos / 1_000_000;
  return ms > 0 && ms < Number(LAST_SECOND) * 1000 ? ms : null;
}

/** Writes a duration in ms. */
export function durationOf(ms: number): Duration {
  const seconds = Math.trunc(ms / 1000);
  const nanos = Math.round((ms - seconds * 1000) * 1_000_000);
  return create(DurationSchema, { seconds: BigInt(seconds), nanos });
}

/** Reads a duration as whole ms, rounded to the nearest. */
export function msOfDuration(duration: Duration): number {
  return Math.round(Number(duration.seconds) * 1000 + duration.nanos / 1_000_000);
}

/** Shows a duration as people write it: 0s, 250ms, 90s, 5m, 7d. */
export function showDuration(duration: { seconds: bigint; nanos: number }): string {
  const { seconds, nanos } = duration;
  if (nanos !== 0) {
    const ms = Number(seconds) * 1000 + nanos / 1_000_000;
    return Math.abs(ms) < 1000 ? `${ms}ms` : `${ms / 1000}s`;
  }
  for (const [unit, length] of [
    ['d', 86_400n],
    ['h', 3_600n],
    ['m', 60n],
  ] as const) {
    if (seconds !== 0n && seconds % length === 0n) return `${seconds / length}${unit}`;
  }
  return `${seconds}s`;
}
