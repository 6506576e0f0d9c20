/**
 * From the target and the options of a valid TaskSpec to the draft of a fan-out.
 *
 * Called by task-spec.ts.
 */
import { MusterError } from '../../machines/errors.ts';
import { type FanOutOptions, FanOutOrder } from '../../proto/gen/muster/v1/fan_out_pb.ts';
import type { TaskSpec } from '../../proto/gen/muster/v1/task_pb.ts';
import type { NodeSelection as NodeSelectionMessage } from '../../proto/gen/muster/v1/target_pb.ts';
import type { Amount, FanOutDraft, NodeSelection } from '../supervisor/supervisor.ts';
import { msOfDuration } from './times.ts';

/**
 * Returns the fan-out that a spec asks for, or nothing for a task on one node.
 *
 * @param refuse completes the sentence with what is wrong
 */
export function fanOutOf(
  { target, fanOut }: TaskSpec,
  refuse: (fault: string) => never,
): { fanOut?: FanOutDraft } {
  if (target?.kind.case !== 'selection') {
    if (fanOut === undefined) return {};
    return refuse('.fan_out goes with target.selection only; this task has one node');
  }
  const selection = selectionOf(target.kind.value, (fault) => refuse(`.target.selection ${fault}`));
  return { fanOut: { selection, ...optionsOf(fanOut) } };
}

/**
 * Returns of which nodes any one is to take the task, or nothing where that is not asked for.
 *
 * @param refuse completes the sentence with what is wrong
 */
export function anyOfSpec(
  { target }: TaskSpec,
  refuse: (fault: string) => never,
): { anyOf?: NodeSelection } {
  if (target?.kind.case !== 'any' || target.kind.value.selection === undefined) return {};
  const { selection } = target.kind.value;
  return { anyOf: selectionOf(selection, (fault) => refuse(`.target.any.selection ${fault}`)) };
}

/** @throws what `refuse` throws, for a selection of nothing */
export function selectionOf(
  { nodes, selector, groups, all, exclude }: NodeSelectionMessage,
  refuse: (fault: string) => never,
): NodeSelection {
  if (nodes.length === 0 && selector === '' && groups.length === 0 && !all) {
    refuse('names no node; give nodes, selector, groups or all');
  }
  return { nodes, selector, groups, all, exclude };
}

/**
 * As selectionOf, for a request that consists of one.
 *
 * @throws MusterError `invalid_argument`
 */
export function requiredSelectionOf(
  message: NodeSelectionMessage | undefined,
  action: string,
): NodeSelection {
  const refuse = (fault: string): never => {
    throw new MusterError('invalid_argument', `Cannot ${action}: selection ${fault}`);
  };
  return message === undefined ? refuse('is missing') : selectionOf(message, refuse);
}

function optionsOf(options: FanOutOptions | undefined): Omit<FanOutDraft, 'selection'> {
  return {
    maxParallel: amountOf(options?.maxParallel ?? ''),
    maxFailures: amountOf(options?.maxFailures ?? ''),
    deadlineMs: options?.deadline === undefined ? null : msOfDuration(options.deadline),
    order: options?.order === FanOutOrder.RANDOM ? 'random' : 'given',
  };
}

function amountOf(text: string): Amount | null {
  if (text === '') return null;
  return text.endsWith('%')
    ? { kind: 'percent', value: Number(text.slice(0, -1)) }
    : { kind: 'count', value: Number(text) };
}
