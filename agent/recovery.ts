/**
 * What has become of an attempt while no agent was there. Asked by Attempts at the start, for every row of the journal.
 *
 * Nothing is started again here that may have been started before (I2): only an attempt without the committed intent to
 * start it goes back into the queue, and only under the same boot of the host.
 */
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

/** Looks for the attempt of `record`, whose files are in `folder`. */
export async function lookUp(
  record: AttemptRecord,
  folder: string,
  bootId: string,
  executor: Executor,
): Promise<Recovered> {
  if (record.phase === 'ended') return { kind: 'ended' };
  if (record.bootId !== bootId) return lost('the host was started again while it was under way');
  if (record.phase === 'accepted') return { kind: 'waiting' };
  const found = await executor.find(folder);
  if (found.kind === 'never_begun') {
    return lost('the agent ended while it was about to start it, and it never began');
  }
  return { kind: 'started', group: found.group, startedAt: record.startedAt ?? found.begunAt };
}

function lost(why: string): Recovered {
  return { kind: 'lost', end: { kind: 'lost', why } };
}
