/** A spec as something to be typed: a command line of muster, a call with curl, a call with buf. */
import { toJson } from '@bufbuild/protobuf';
import { durationMs, timestampMs } from '@bufbuild/protobuf/wkt';
import type { Duration } from '@bufbuild/protobuf/wkt';
import { FanOutOrder } from '../../../../proto/gen/muster/v1/fan_out_pb.ts';
import type { FileAction } from '../../../../proto/gen/muster/v1/file_action_pb.ts';
import { ServiceOperation } from '../../../../proto/gen/muster/v1/service_action_pb.ts';
import type { NodeSelection } from '../../../../proto/gen/muster/v1/target_pb.ts';
import {
  Interpreter,
  OfflinePolicy,
  type ScriptAction,
  StartMode,
  type TaskSpec,
  TaskSpecSchema,
} from '../../../../proto/gen/muster/v1/task_pb.ts';
import { enumWord } from '../../../ui/enum-word.ts';

/** Returns a word as the shell reads it back. */
export function quote(word: string): string {
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Returns a duration as the command line reads it: 5m, 1h30m, 500ms. */
export function durationWord(duration: Duration): string {
  const ms = durationMs(duration);
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1_000],
    ['ms', 1],
  ] as const;
  let rest = ms;
  const parts: string[] = [];
  for (const [unit, size] of units) {
    const count = Math.floor(rest / size);
    if (count > 0) parts.push(`${count}${unit}`);
    rest -= count * size;
  }
  return parts.join('') || '0';
}

/** Returns the command that creates the same task. What has no flag is left out. */
export function commandLine(spec: TaskSpec): string {
  const { action } = spec;
  const flags = flagsOf(spec);
  const words = (...list: readonly string[]) => ['./muster', ...list].join(' ');
  switch (action.case) {
    case 'service': {
      const verb = enumWord(ServiceOperation, action.value.operation);
      return words('service', verb, ...without(flags), quote(action.value.unit));
    }
    case 'handler': {
      const { handler, inputJson } = action.value;
      const input = inputJson === '' ? [] : ['--input', quote(inputJson)];
      return words('call', ...flags, ...input, quote(handler));
    }
    case 'file':
      return words('file', ...fileWords(action.value, without(flags)));
    case 'script':
      return scriptCommand(action.value, flags);
    default:
      return '';
  }
}

/** The commands of files and units name their tasks themselves and start them at once. */
function without(flags: readonly string[]): string[] {
  return flags.filter((flag) => !/^--(name|hold|start-at|priority)\b/.test(flag));
}

function fileWords({ path, operation }: FileAction, flags: readonly string[]): string[] {
  switch (operation.case) {
    case 'put': {
      const { mode, owner, group, createParents } = operation.value;
      const who = group === '' ? owner : `${owner}:${group}`;
      const extra = [
        ...(mode === '' ? [] : [`--mode ${quote(mode)}`]),
        ...(who === '' ? [] : [`--owner ${quote(who)}`]),
        ...(createParents ? ['--mkdir'] : []),
      ];
      return ['put FILE', `--to ${quote(path)}`, ...extra, ...flags];
    }
    case 'get':
      return ['get', ...flags, quote(path)];
    case 'delete':
      return ['delete', ...flags, quote(path)];
    default:
      return ['stat', ...flags, quote(path)];
  }
}

function scriptCommand(script: ScriptAction, flags: readonly string[]): string {
  const { program, interpreter, args, env, cwd, user } = script;
  const all = [
    ...flags,
    ...Object.entries(env).map(([name, value]) => `--env ${quote(`${name}=${value}`)}`),
    ...(cwd === '' ? [] : [`--cwd ${quote(cwd)}`]),
    ...(user === '' ? [] : [`--user ${quote(user)}`]),
  ];
  const head = ['./muster run', ...all];
  if (program.case !== 'body') {
    return [...head, '--', ...(program.value?.words ?? []).map(quote)].join(' ');
  }
  const shell = enumWord(Interpreter, interpreter);
  const named = shell === 'unspecified' ? [] : [`--shell ${shell}`];
  const end = delimiterFor(program.value);
  const newline = program.value.endsWith('\n') ? '' : '\n';
  return `${[...head, ...named, '-', ...args.map(quote)].join(' ')} <<'${end}'\n${program.value}${newline}${end}`;
}

/** A line that the script does not have. */
function delimiterFor(body: string): string {
  let end = 'SCRIPT';
  while (body.split('\n').includes(end)) end += '_';
  return end;
}

/** The flags that every command that creates a task has. */
function flagsOf({ name, target, policy, labels, start, startAt, fanOut }: TaskSpec): string[] {
  const flags: string[] = [];
  const add = (flag: string, value: string | undefined) => {
    if (value !== undefined && value !== '') flags.push(`--${flag} ${quote(value)}`);
  };
  add('name', name);
  const kind = target?.kind;
  if (kind?.case === 'nodeId') add('node', kind.value);
  if (kind?.case === 'selection') flags.push(...selectionFlags(kind.value));
  if (kind?.case === 'any' && kind.value.selection !== undefined) {
    flags.push('--any', ...selectionFlags(kind.value.selection));
  }
  for (const [key, value] of Object.entries(labels)) add('label', `${key}=${value}`);
  add('timeout', policy?.timeout === undefined ? undefined : durationWord(policy.timeout));
  add('max-attempts', policy?.maxAttempts?.toString());
  add('priority', policy?.priority?.toString());
  const offline = policy?.offline ?? OfflinePolicy.UNSPECIFIED;
  if (offline !== OfflinePolicy.UNSPECIFIED) add('offline', enumWord(OfflinePolicy, offline));
  add('max-parallel', fanOut?.maxParallel);
  add('max-failures', fanOut?.maxFailures);
  if (fanOut?.order === FanOutOrder.RANDOM) add('order', 'random');
  add('deadline', fanOut?.deadline === undefined ? undefined : durationWord(fanOut.deadline));
  if (start === StartMode.MANUAL) flags.push('--hold');
  if (startAt !== undefined) add('start-at', new Date(timestampMs(startAt)).toISOString());
  return flags;
}

function selectionFlags({ nodes, selector, all, exclude, groups }: NodeSelection): string[] {
  return [
    ...(all ? ['--all'] : []),
    ...(nodes.length === 0 ? [] : [`-n ${quote(nodes.join(','))}`]),
    ...(selector === '' ? [] : [`-l ${quote(selector)}`]),
    ...groups.map((group) => `-g ${quote(group)}`),
    ...(exclude.length === 0 ? [] : [`-x ${quote(exclude.join(','))}`]),
  ];
}

/** Returns the request that creates the same task, as JSON. */
export function requestJson(spec: TaskSpec): string {
  return JSON.stringify({ spec: toJson(TaskSpecSchema, spec) }, null, 2);
}

const METHOD = 'muster.v1.TaskService/CreateTask';

/** Returns the call with curl; the token is taken from MUSTER_TOKEN. */
export function curlCommand(spec: TaskSpec, server: string): string {
  return [
    `curl -s ${quote(`${server}/${METHOD}`)}`,
    `-H "Authorization: Bearer $MUSTER_TOKEN"`,
    `-H 'Content-Type: application/json'`,
    `-d ${quote(requestJson(spec))}`,
  ].join(' \\\n  ');
}

/** Returns the call with buf, from the folder of Muster; the token is taken from MUSTER_TOKEN. */
export function bufCommand(spec: TaskSpec, server: string): string {
  return [
    `buf curl --schema proto`,
    `--header "Authorization: Bearer $MUSTER_TOKEN"`,
    `--data ${quote(requestJson(spec))}`,
    quote(`${server}/${METHOD}`),
  ].join(' \\\n  ');
}
