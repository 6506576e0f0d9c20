/** What the task of a schedule is, as names and values. Pure. */
import { durationMs } from '@bufbuild/protobuf/wkt';
import type { NodeSelection } from '../../../proto/gen/muster/v1/target_pb.ts';
import type { TaskPolicy, TaskSpec } from '../../../proto/gen/muster/v1/task_pb.ts';
import { Interpreter, OfflinePolicy } from '../../../proto/gen/muster/v1/task_pb.ts';
import { ServiceOperation } from '../../../proto/gen/muster/v1/service_action_pb.ts';
import { enumWord } from '../../ui/enum-word.ts';
import { roundText } from './schedule-words.ts';

/** Where it runs, for example: on local-1; on each of role=web, 10 % at once. */
export function targetText({ target, fanOut }: Pick<TaskSpec, 'target' | 'fanOut'>): string {
  const kind = target?.kind;
  switch (kind?.case) {
    case 'nodeId':
      return `on ${kind.value}`;
    case 'any':
      return kind.value.selection === undefined
        ? 'on any one node'
        : `on any one of ${selectionText(kind.value.selection)}`;
    case 'selection': {
      const atOnce = fanOut?.maxParallel ?? '';
      return `on each of ${selectionText(kind.value)}${atOnce === '' ? '' : `, ${atOnce} at once`}`;
    }
    default:
      return '';
  }
}

function selectionText({ nodes, selector, all, exclude, groups }: NodeSelection): string {
  const parts = [
    all ? 'all nodes' : '',
    nodes.join(', '),
    selector,
    groups.length === 0 ? '' : `groups ${groups.join(', ')}`,
  ].filter((part) => part !== '');
  const text = parts.join(' and ');
  return exclude.length === 0 ? text : `${text} without ${exclude.join(', ')}`;
}

/** What it does: a heading, and the text of a script or the words of a command. */
export function actionWords({ action }: Pick<TaskSpec, 'action'>): { kind: string; text: string } {
  switch (action.case) {
    case 'script': {
      const { program, interpreter, args } = action.value;
      if (program.case === 'argv')
        return { kind: 'command', text: commandText(program.value.words) };
      const name = enumWord(Interpreter, interpreter || Interpreter.SH);
      const given = args.length === 0 ? '' : ` with ${commandText(args)}`;
      return { kind: `script for ${name}${given}`, text: program.value ?? '' };
    }
    case 'file': {
      const { operation, path } = action.value;
      return { kind: `file: ${operation.case ?? ''}`, text: path };
    }
    case 'service': {
      const { operation, unit } = action.value;
      return { kind: 'service', text: `${enumWord(ServiceOperation, operation)} ${unit}` };
    }
    case 'handler': {
      const { handler, inputJson } = action.value;
      return { kind: 'handler', text: `${handler}(${inputJson})` };
    }
    default:
      return { kind: '', text: '' };
  }
}

/** Words as they would be typed in a shell. */
export function commandText(words: readonly string[]): string {
  return words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');
}

/** Only what differs from the defaults. */
export function policyRows(policy: TaskPolicy | undefined): readonly (readonly [string, string])[] {
  if (policy === undefined) return [];
  const { timeout, maxAttempts, priority, stopGrace, lostAfter, offline } = policy;
  const rows: [string, string][] = [];
  if (timeout !== undefined) rows.push(['Timeout', roundText(durationMs(timeout))]);
  if (maxAttempts !== undefined) rows.push(['Attempts', `at most ${maxAttempts}`]);
  if (priority !== undefined) rows.push(['Priority', String(priority)]);
  if (stopGrace !== undefined) rows.push(['Stop grace', roundText(durationMs(stopGrace))]);
  if (lostAfter !== undefined) rows.push(['Lost after', roundText(durationMs(lostAfter))]);
  if (offline !== OfflinePolicy.UNSPECIFIED) {
    rows.push(['While offline', enumWord(OfflinePolicy, offline)]);
  }
  return rows;
}
