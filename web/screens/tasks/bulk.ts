/**
 * Cancel, retry or delete many tasks: chosen ones by their ids, or all that match a filter. The supervisor acts and streams what
 * has become of each.
 */
import type { BulkItem, BulkResult } from '../../../proto/gen/muster/v1/task_service_pb.ts';
import { tasks } from '../../connection.ts';
import type { FilterInit } from './filter.ts';

export type Verb = 'cancel' | 'retry' | 'delete';

/** A filter takes this many ids. */
const MAX_IDS = 1_000;
/** Failures that are kept to be shown. */
export const MAX_FAILURES = 200;

export interface Tally {
  readonly done: number;
  readonly failed: number;
  /** The first ones. */
  readonly failures: readonly BulkResult[];
}

export const EMPTY: Tally = { done: 0, failed: 0, failures: [] };

export function tally(former: Tally, result: BulkResult): Tally {
  if (result.errorKind === '') return { ...former, done: former.done + 1 };
  const failures =
    former.failures.length < MAX_FAILURES ? [...former.failures, result] : former.failures;
  return { ...former, failed: former.failed + 1, failures };
}

/** Returns the filters that make up a selection. */
export function filtersOf(ids: readonly string[]): FilterInit[] {
  const filters: FilterInit[] = [];
  for (let from = 0; from < ids.length; from += MAX_IDS) {
    filters.push({ ids: ids.slice(from, from + MAX_IDS) });
  }
  return filters;
}

/** Counts the tasks that an action would be for; changes nothing. */
export async function countFor(verb: Verb, filters: readonly FilterInit[]): Promise<number> {
  let count = 0;
  for (const filter of filters) {
    for await (const item of call(verb, filter, true, '', undefined)) {
      if (item.item.case === 'summary') count += item.item.value.matched;
    }
  }
  return count;
}

/** Acts, and yields what has become of each task. @param requestId makes a repeated retry harmless */
export async function* act(
  verb: Verb,
  filters: readonly FilterInit[],
  requestId: string,
  signal: AbortSignal,
): AsyncIterable<BulkResult> {
  for (const filter of filters) {
    for await (const { item } of call(verb, filter, false, requestId, signal)) {
      if (item.case === 'result') yield item.value;
    }
  }
}

async function* call(
  verb: Verb,
  filter: FilterInit,
  dryRun: boolean,
  requestId: string,
  signal: AbortSignal | undefined,
): AsyncIterable<BulkItem> {
  // A filter without conditions means all; whoever comes here has been asked.
  const selection = { filter, all: true, dryRun };
  const options = signal === undefined ? {} : { signal };
  const answers = {
    cancel: () => tasks.cancelTasks({ selection, note: 'from the console' }, options),
    retry: () => tasks.retryTasks({ selection, requestId }, options),
    delete: () => tasks.deleteTasks({ selection }, options),
  }[verb]();
  for await (const { item } of answers) if (item !== undefined) yield item;
}
