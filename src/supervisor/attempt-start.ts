/**
 * Sends the Start of an attempt to the session it is assigned to: once, and never behind its Stop.
 *
 * Called by the session registry, right after the dispatch is committed, and by way of the reconciler when nothing has been heard.
 */
import type { TaskRecord } from '../../db/records.ts';
import type { Logger } from '../process/log.ts';
import type { Session } from './session.ts';
import type { SpecCache } from './spec-cache.ts';

/** A lease ends this long before another attempt may be started elsewhere. */
const LEASE_MARGIN_MS = 5_000;

export interface StartOptions {
  readonly specs: SpecCache;
  readonly outputCapBytes: number;
  /** Silence after which a session is dead. */
  readonly deadAfterMs: number;
  readonly log: Logger;
}

/** Never rejects: what could not be sent, the sweep of the reconciler sends again. */
export async function sendStart(
  { specs, outputCapBytes, deadAfterMs, log }: StartOptions,
  session: Session,
  record: TaskRecord,
): Promise<void> {
  const { policy, attempt } = record.snapshot.context;
  // The slot is taken before the spec is there.
  session.assign(record);
  if (!session.beginStart(record.id, attempt)) return;
  try {
    const spec = await specs.take(record.specId);
    // A Stop may have gone out meanwhile.
    if (!session.beginStart(record.id, attempt)) return;
    session.send({
      kind: 'start',
      taskId: record.id,
      attempt,
      name: record.name,
      timeoutMs: policy.timeoutMs,
      stopGraceMs: policy.stopGraceMs,
      outputCapBytes,
      leaseMs: leaseMs(policy, attempt, deadAfterMs),
      spec,
    });
  } catch (error) {
    session.failStart(record.id, attempt);
    log.warn('cannot send a start yet', { taskId: record.id, nodeId: session.nodeId, error });
  }
}

/**
 * Only where another attempt may follow must the agent give up by itself; else the process may live on. Never sooner than silence
 * ends a session: between two heartbeats of a healthy one there is silence, too.
 */
function leaseMs(
  policy: TaskRecord['snapshot']['context']['policy'],
  attempt: number,
  deadAfterMs: number,
): number | null {
  if (attempt >= policy.maxAttempts) return null;
  return Math.max(policy.lostAfterMs - policy.stopGraceMs - LEASE_MARGIN_MS, deadAfterMs);
}
