/**
 * What has become of an attempt while no agent was there. Asked by Attempts at the start, for every row of the journal.
 *
 * Nothing is started again here that may have been started before (I2): only an attempt without the committed intent to
 * start it goes back into the queue, and only under the same boot of the host.
 */
import type { StartAttempt } from '../proto/gen/muster/v1/agent_service_pb.ts';
import type { AttemptEnd, AttemptRecord } from './attempt-record.ts';
import type { Executor, ProcessGroup } from './executors/executor.ts';

export type Recovered =
  /** It is over; its end is in the record. */
  | { readonly kind: 'ended' }
  /** It never left the queue. */
  | { readonly kind: 'waiting' }
  /** It was started; its group may be alive or gone. */
  | { readonly kind: 'started'; readonly group: ProcessGroup; readonly startedAt: number }
  | { readonly kind: 'lost'; readonly end: AttemptEnd };

/** Looks for the attempt of `record` that was accepted with `start`, whose files are in `folder`. */
export async function lookUp(
  record: AttemptRecord,
  start: StartAttempt,
  folder: string,
  bootId: string,
  executor: Executor,
): Promise<Recovered> {
  if (record.phase === 'ended') {
    if (start.action.case !== 'handler' || isAcknowledged(record)) return { kind: 'ended' };
    return lost('the agent ended before the supervisor had the output of the handler');
  }
  if (record.bootId !== bootId) return lost('the host was started again while it was under way');
  if (record.phase === 'accepted') return { kind: 'waiting' };
  const found = await executor.find(folder, start);
  if (found.kind === 'gone') return lost(found.why);
  if (found.kind === 'never_begun') {
    return lost('the agent ended while it was about to start it, and it never began');
  }
  return { kind: 'started', group: found.group, startedAt: record.startedAt ?? found.begunAt };
}

function lost(why: string): Recovered {
  return { kind: 'lost', end: { kind: 'lost', why } };
}

/** Tells whether the supervisor has all that a call has written and returned: it was in memory, and is gone. */
function isAcknowledged({ end, acked }: AttemptRecord): boolean {
  if (end === null || end.kind === 'lost') return true;
  const { stdoutBytes, stderrBytes, droppedBytes, resultBytes = 0 } = end;
  const written = stdoutBytes + stderrBytes - droppedBytes + resultBytes;
  return acked.stdout + acked.stderr + acked.result >= written;
}
