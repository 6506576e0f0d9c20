/**
 * Where a task is to run, and how it goes through many nodes, as people read it: a selection is shown as the flags that ask for it.
 */
import { durationMs } from '@bufbuild/protobuf/wkt';
import { type FanOutOptions, FanOutOrder } from '../../proto/gen/muster/v1/fan_out_pb.ts';
import type { NodeSelection } from '../../proto/gen/muster/v1/target_pb.ts';
import { OfflinePolicy, type TaskSpec } from '../../proto/gen/muster/v1/task_pb.ts';
import { formatDuration } from './duration.ts';
import { enumName } from './enums.ts';
import { quote } from './table.ts';

/** Returns where a spec wants to run: a node, `any`, or flags such as `-n web[01-20] -x web07`. */
export function targetText({ target }: Pick<TaskSpec, 'target'>): string {
  switch (target?.kind.case) {
    case 'nodeId':
      return target.kind.value;
    case 'selection':
      return selectionText(target.kind.value);
    default: {
      const selection = target?.kind.value?.selection;
      return selection === undefined ? 'any' : `--any ${selectionText(selection)}`;
    }
  }
}

/** Returns what a spec says of many nodes and of those that are away, name by name; an empty value is not to be shown. */
export function fanOutDetails({ fanOut, policy }: TaskSpec): [string, string][] {
  return [...optionDetails(fanOut), ['Offline nodes', offlineText(policy?.offline)]];
}

function optionDetails(options: FanOutOptions | undefined): [string, string][] {
  if (options === undefined) return [];
  const { maxParallel, maxFailures, order, deadline } = options;
  return [
    ['At once', maxParallel],
    ['Most failures', maxFailures],
    ['Order', order === FanOutOrder.RANDOM ? 'random' : ''],
    ['Altogether', deadline === undefined ? '' : formatDuration(durationMs(deadline))],
  ];
}

function offlineText(policy: OfflinePolicy | undefined): string {
  const isUsual = !policy || policy === OfflinePolicy.WAIT;
  return isUsual ? '' : enumName(OfflinePolicy, policy);
}

function selectionText({ all, nodes, selector, groups, exclude }: NodeSelection): string {
  return [
    ...(all ? ['--all'] : []),
    ...(nodes.length === 0 ? [] : [`-n ${quote(nodes.join(','))}`]),
    ...(selector === '' ? [] : [`-l ${quote(selector)}`]),
    ...groups.map((group) => `-g ${quote(group)}`),
    ...(exclude.length === 0 ? [] : [`-x ${quote(exclude.join(','))}`]),
  ].join(' ');
}
