/**
 * Makes a fan-out of a wish: the parent, and one child for each node that was chosen, all created in one commit.
 *
 * The children share the spec of the parent and are held; their ids are in the order in which they will be released. Called by
 * creation.ts.
 */
import { FAN_OUT } from '../../machines/behaviour.ts';
import { FAN_OUT_MACHINE_VERSION } from '../../machines/fan-out.ts';
import type { FanOutInput, FanOutPolicy } from '../../machines/fan-out-context.ts';
import { createFanOut, fanOutWakeAt } from '../../machines/fan-out-decide.ts';
import { newTask } from './new-task.ts';
import type { CreatorOptions, NewTask } from './new-task.ts';
import type { Amount, Caller, FanOutDraft, TaskDraft } from './supervisor.ts';

const SEED_RANGE = 2 ** 32;

/**
 * Returns the new fan-out and then its children.
 *
 * @param nodeIds the frozen targets, at least one
 */
export function newFanOut(
  options: CreatorOptions,
  draft: TaskDraft & { readonly fanOut: FanOutDraft },
  nodeIds: readonly string[],
  caller: Caller,
  scheduleId?: string,
): NewTask[] {
  const { stamper, ids, supervisorId } = options;
  const at = stamper.now();
  const id = ids.next(at);
  const seed = draft.fanOut.order === 'random' ? Math.floor(stamper.random() * SEED_RANGE) : null;
  const policy = policyOf(draft.fanOut, nodeIds.length, seed);
  const { target, held, startAt, name, labels, spec } = draft;
  const input: FanOutInput = {
    id,
    target,
    policy: draft.policy,
    held,
    startAt,
    createdAt: at,
    fanOut: policy,
    total: nodeIds.length,
  };
  const { snapshot, effects } = createFanOut(input);
  const parent: NewTask = {
    record: {
      id,
      version: 1,
      machineVersion: FAN_OUT_MACHINE_VERSION,
      snapshot,
      name,
      type: FAN_OUT,
      labels,
      creator: caller.name,
      parentId: null,
      scheduleId: scheduleId ?? null,
      specId: id,
      createdAt: at,
      updatedAt: at,
    },
    spec,
    wakeAt: fanOutWakeAt(snapshot),
    transition: {
      taskId: id,
      version: 1,
      event: { type: 'task.created', at, input },
      fromPath: '',
      toPath: snapshot.path,
      at,
      attempt: 0,
      supervisorId,
    },
    effects,
  };
  const order = seed === null ? nodeIds : shuffle(nodeIds, seed);
  const children = order.map((nodeId) =>
    newTask(
      options,
      { ...draft, target: { kind: 'node', nodeId }, held: true, startAt: null },
      caller,
      { parentId: id, specId: id, scheduleId },
    ),
  );
  return [parent, ...children];
}

function policyOf(
  { maxParallel, maxFailures, deadlineMs }: FanOutDraft,
  total: number,
  seed: number | null,
): FanOutPolicy {
  return {
    maxParallel: maxParallel === null ? total : Math.max(Math.ceil(shareOf(maxParallel, total)), 1),
    maxFailures: maxFailures === null ? null : Math.max(Math.floor(shareOf(maxFailures, total)), 1),
    deadlineMs,
    seed,
  };
}

function shareOf(amount: Amount, total: number): number {
  return amount.kind === 'count' ? amount.value : (total * amount.value) / 100;
}

/** Fisher-Yates, with mulberry32 (Tommy Ettinger) as its dice: the same seed gives the same order. */
export function shuffle(names: readonly string[], seed: number): string[] {
  const shuffled = [...names];
  let state = seed;
  const random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / SEED_RANGE;
  };
  for (let last = shuffled.length - 1; last > 0; last -= 1) {
    const chosen = Math.floor(random() * (last + 1));
    [shuffled[last], shuffled[chosen]] = [shuffled[chosen] as string, shuffled[last] as string];
  }
  return shuffled;
}
