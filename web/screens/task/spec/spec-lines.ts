/** A spec in words: lines of a name and a value. */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { Duration } from '@bufbuild/protobuf/wkt';
import { FanOutOrder } from '../../../../proto/gen/muster/v1/fan_out_pb.ts';
import { ServiceOperation } from '../../../../proto/gen/muster/v1/service_action_pb.ts';
import type { NodeSelection } from '../../../../proto/gen/muster/v1/target_pb.ts';
import {
  Interpreter,
  OfflinePolicy,
  type ScriptAction,
  StartMode,
  type Task,
  type TaskSpec,
} from '../../../../proto/gen/muster/v1/task_pb.ts';
import { enumWord } from '../../../ui/enum-word.ts';
import { absoluteText } from '../../../ui/time.tsx';
import { durationWord, quote } from './commands.ts';

export interface Line {
  readonly name: string;
  readonly value: string;
  /** Nobody has asked for it. */
  readonly isDefault?: boolean;
}

/** What a task does. */
export interface Source {
  readonly title: string;
  /** To be shown with line numbers; empty for none. */
  readonly text: string;
  readonly lines: readonly Line[];
}

/** Returns what a task does: the text of a script, and all else as lines. */
export function sourceOf({ action }: TaskSpec): Source {
  switch (action.case) {
    case 'script':
      return scriptSource(action.value);
    case 'handler': {
      const { handler, inputJson } = action.value;
      const lines = [{ name: 'Handler', value: handler }];
      return { title: 'Handler', text: prettyJson(inputJson), lines };
    }
    case 'service': {
      const { unit, operation } = action.value;
      const lines = [
        { name: 'Unit', value: unit },
        { name: 'Operation', value: enumWord(ServiceOperation, operation) },
      ];
      return { title: 'Service', text: '', lines };
    }
    case 'file': {
      const { path, operation } = action.value;
      const put = operation.case === 'put' ? operation.value : null;
      const lines = [
        { name: 'File', value: path },
        { name: 'Operation', value: operation.case ?? '' },
        ...(put === null
          ? []
          : [
              { name: 'Size', value: `${put.sizeBytes} bytes` },
              { name: 'SHA-256', value: put.sha256 },
              ...given('Mode', put.mode),
              ...given('Owner', put.owner),
              ...given('Group', put.group),
            ]),
      ];
      return { title: 'File', text: '', lines };
    }
    default:
      return { title: 'Action', text: '', lines: [] };
  }
}

function scriptSource({ program, interpreter, args, env, cwd, user, stdin }: ScriptAction): Source {
  const isBody = program.case === 'body';
  const shell = enumWord(Interpreter, interpreter);
  const title = isBody ? `Script for ${shell === 'unspecified' ? 'sh' : shell}` : 'Command';
  const text = isBody ? program.value : (program.value?.words ?? []).map(quote).join(' ');
  const pairs = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const lines = [
    ...given('Arguments', args.map(quote).join(' ')),
    ...given('Environment', pairs.join('\n')),
    ...given('Folder', cwd),
    ...given('User', user),
    ...given('Standard input', stdin),
  ];
  return { title, text, lines };
}

function given(name: string, value: string): Line[] {
  return value === '' ? [] : [{ name, value }];
}

function prettyJson(text: string): string {
  try {
    return text === '' ? 'null' : JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** Returns where a task is to run, and how it goes through its nodes. */
export function targetLines({ candidateNodeIds }: Task, { target, fanOut }: TaskSpec): Line[] {
  const kind = target?.kind;
  const among = given('Among', candidateNodeIds.join(', '));
  if (kind?.case === 'nodeId') return [{ name: 'Node', value: kind.value }];
  if (kind?.case === 'any') {
    const { selection } = kind.value;
    const value = selection === undefined ? 'any one, of all' : 'any one of some';
    const chosen = selection === undefined ? [] : selectionLines(selection);
    return [{ name: 'Node', value }, ...chosen, ...among];
  }
  if (kind?.case !== 'selection') return [];
  const order = fanOut?.order === FanOutOrder.RANDOM ? 'random' : 'given';
  return [
    { name: 'Nodes', value: 'each of some' },
    ...selectionLines(kind.value),
    either('At once', fanOut?.maxParallel, 'all'),
    either('Failures at most', fanOut?.maxFailures, 'no bound'),
    { name: 'Order', value: order, isDefault: order === 'given' },
    either('Deadline', durationOf(fanOut?.deadline), 'none'),
  ];
}

function selectionLines({ nodes, selector, all, exclude, groups }: NodeSelection): Line[] {
  return [
    ...(all ? [{ name: 'All', value: 'every node' }] : []),
    ...given('Named', nodes.join(', ')),
    ...given('Labels', selector),
    ...given('Groups', groups.join(', ')),
    ...given('But not', exclude.join(', ')),
  ];
}

/** Returns the policy with its defaults. */
export function policyLines({ policy, start, startAt }: TaskSpec): Line[] {
  const offline = policy?.offline ?? OfflinePolicy.UNSPECIFIED;
  const isWaiting = offline === OfflinePolicy.UNSPECIFIED || offline === OfflinePolicy.WAIT;
  return [
    either('Timeout of an attempt', durationOf(policy?.timeout), '5m'),
    either('Attempts', policy?.maxAttempts?.toString(), '1'),
    either('Priority', policy?.priority?.toString(), '50'),
    either('First retry after at most', durationOf(policy?.retryInitial), '1s'),
    either('Later retries after at most', durationOf(policy?.retryMax), '5m'),
    either('Grace before SIGKILL', durationOf(policy?.stopGrace), '10s'),
    either('Lost after', durationOf(policy?.lostAfter), '2m'),
    either('Offline node', isWaiting ? undefined : enumWord(OfflinePolicy, offline), 'wait for it'),
    either('Start', start === StartMode.MANUAL ? 'held, by hand' : undefined, 'at once'),
    ...(startAt === undefined
      ? []
      : [{ name: 'Not before', value: absoluteText(timestampMs(startAt)) }]),
  ];
}

function durationOf(duration: Duration | undefined): string | undefined {
  return duration === undefined ? undefined : durationWord(duration);
}

function either(name: string, value: string | undefined, fallback: string): Line {
  if (value === undefined || value === '') return { name, value: fallback, isDefault: true };
  return { name, value };
}
