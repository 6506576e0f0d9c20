/**
 * How a task looks to people: its row in a table, its details, the sentence about its end.
 */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import type { Attempt, Task, TaskSpec } from '../../proto/gen/muster/v1/task_pb.ts';
import type { FileAction } from '../../proto/gen/muster/v1/file_action_pb.ts';
import { ServiceOperation } from '../../proto/gen/muster/v1/service_action_pb.ts';
import { Interpreter, TaskState, TaskType } from '../../proto/gen/muster/v1/task_pb.ts';
import { foldNodes } from './fold-nodes.ts';
import { formatDuration } from './duration.ts';
import { enumName } from './enums.ts';
import { isFinal } from './exit-code.ts';
import { countsText } from './fan-out-view.ts';
import { stdoutStyle } from './output.ts';
import { progressText } from './progress-line.ts';
import { lookOf } from './style.ts';
import type { Cell, Column } from './table.ts';
import { harmless, quote } from './table.ts';
import { fanOutDetails, targetText } from './target-view.ts';
import { formatAge, formatSpan, formatTime } from './time.ts';

const MAX_SHOWN_JSON = 1_000;

/** The columns of `taskRow`. */
export const TASK_COLUMNS: readonly Column[] = [
  { title: 'ID' },
  { title: 'STATE' },
  { title: 'NODE', shrinkTo: 8 },
  { title: 'NAME', shrinkTo: 8 },
  { title: 'ATTEMPT', align: 'right', dropOrder: 3 },
  { title: 'EXIT', align: 'right', dropOrder: 2 },
  { title: 'DURATION', align: 'right', dropOrder: 4 },
  { title: 'CREATED', align: 'right', dropOrder: 1 },
];

/** Returns the row of a task. */
export function taskRow(task: Task, nowMs: number): (Cell | string)[] {
  return [
    task.id,
    stateCell(stateName(task)),
    task.nodeId || (task.fanOut === undefined ? '-' : nodesText(task.fanOut.total)),
    task.name,
    task.fanOut === undefined ? `${task.attempt}/${task.maxAttempts}` : '',
    exitText(task.exitCode, task.signal),
    formatSpan(toMs(task.startedAt), toMs(task.finishedAt) ?? (isFinal(task) ? undefined : nowMs)),
    task.createdAt === undefined ? '' : formatAge(timestampMs(task.createdAt), nowMs),
  ];
}

function nodesText(count: number): string {
  return count === 1 ? '1 node' : `${count} nodes`;
}

/** Returns the state as in `running.executing` or `failed`. */
export function stateName(task: Pick<Task, 'state' | 'substate'>): string {
  const name = enumName(TaskState, task.state);
  return task.substate === '' ? name : `${name}.${task.substate}`;
}

/** Returns a cell with the symbol and the word of a state, given as in `running.executing`. */
export function stateCell(state: string): Cell {
  const { symbol, colour } = lookOf(state);
  return { text: `${symbol} ${state}`, paint: stdoutStyle()[colour] };
}

/** Returns the symbol and the word of a state, painted. */
export function stateText(state: string): string {
  const { text, paint } = stateCell(state);
  return paint === undefined ? text : paint(text);
}

/** Returns what there is to say about the end of a task; nothing where its exit code says it. */
export function endSentence(task: Task): string {
  const isPlain = task.state === TaskState.COMPLETED || task.reason === 'exit_code';
  if (isPlain || !isFinal(task)) return '';
  const where = task.nodeId === '' ? '' : ` on ${task.nodeId}`;
  return `task ${task.id}${where}: ${whyEnded(task)}`;
}

/** Returns what became of a node in a fan-out that has not completed there. */
export function failureLine(task: Task): string {
  const why = harmless(task.message) || whyEnded(task);
  return `${task.nodeId}: ${why} (task ${task.id})`;
}

/** The state and why, which may begin with the same word. */
function whyEnded(task: Task): string {
  const state = stateName(task);
  const why = harmless(task.message || task.reason);
  if (why === '') return state;
  return why.startsWith(state) ? why : `${state}: ${why}`;
}

/** Returns the details of a task, name by name; an empty value is not to be shown. */
export function taskDetails(task: Task, nowMs: number): [string, string][] {
  const at = (time: Timestamp | undefined) => absolute(time, nowMs);
  return [
    ['ID', task.id],
    ['Name', harmless(task.name)],
    ['State', stateText(stateName(task))],
    ['Reason', [task.reason, harmless(task.message)].filter((text) => text !== '').join(': ')],
    ['Exit', exitText(task.exitCode, task.signal)],
    ['Progress', task.progress === undefined ? '' : progressText(task.progress)],
    ['Result', shorten(harmless(task.resultJson ?? ''))],
    ['Type', enumName(TaskType, task.type)],
    ...whereDetails(task),
    ['Priority', String(task.priority)],
    ['Labels', labelsText(task.labels)],
    ['Creator', harmless(task.creator)],
    ['Version', String(task.version)],
    ['Created', at(task.createdAt)],
    ['Started', at(task.startedAt)],
    ['Finished', at(task.finishedAt)],
    ['Updated', at(task.updatedAt)],
    ['Deadline', isFinal(task) ? '' : at(task.deadlineAt)],
    ['Delayed until', isFinal(task) ? '' : at(task.delayedUntil)],
    ...(task.spec === undefined ? [] : specDetails(task.spec)),
  ];
}

function whereDetails(task: Task): [string, string][] {
  const { fanOut, spec, nodeId, candidateNodeIds, attempt, maxAttempts } = task;
  if (fanOut === undefined) {
    return [
      ['Node', nodeId || (candidateNodeIds.length > 0 ? 'any of these' : 'any')],
      ['May run on', foldNodes(candidateNodeIds)],
      ['Attempt', `${attempt} of ${maxAttempts}`],
    ];
  }
  return [
    ['Nodes', spec === undefined ? '' : targetText(spec)],
    ['Children', countsText(fanOut, stdoutStyle())],
    ['Attempts', maxAttempts === 1 ? '' : `up to ${maxAttempts} on each node`],
  ];
}

/** What a task does, name by name; an empty value is not to be shown. */
export function specDetails(spec: TaskSpec): [string, string][] {
  const timeout = spec.policy?.timeout;
  const script = spec.action.case === 'script' ? spec.action.value : undefined;
  const isArgv = script?.program.case === 'argv';
  const service = spec.action.case === 'service' ? spec.action.value : undefined;
  const handler = spec.action.case === 'handler' ? spec.action.value : undefined;
  const argv = script?.program.case === 'argv' ? script.program.value.words : [];
  const body = script?.program.case === 'body' ? script.program.value : '';
  return [
    [
      'Timeout',
      timeout === undefined
        ? ''
        : formatDuration(Number(timeout.seconds) * 1000 + timeout.nanos / 1e6),
    ],
    ['Command', argv.map(quote).join(' ')],
    [
      'Service',
      service === undefined
        ? ''
        : `${enumName(ServiceOperation, service.operation)} ${service.unit}`,
    ],
    ['File', spec.action.case === 'file' ? fileText(spec.action.value) : ''],
    ['Handler', handler?.handler ?? ''],
    ['Input', shorten(harmless(handler?.inputJson ?? ''))],
    [
      'Interpreter',
      isArgv || script === undefined
        ? ''
        : enumName(Interpreter, script?.interpreter || Interpreter.SH),
    ],
    ['Arguments', (script?.args ?? []).map(quote).join(' ')],
    ['Folder', harmless(script?.cwd ?? '')],
    ['User', script?.user ?? ''],
    [
      'Environment',
      Object.keys(script?.env ?? {})
        .sort()
        .join(' '),
    ],
    ...fanOutDetails(spec),
    ['Script', body.trimEnd().split('\n').map(harmless).join('\n')],
  ];
}

function fileText({ path, operation }: FileAction): string {
  const shown = `${operation.case} ${harmless(path)}`;
  if (operation.case !== 'put') return shown;
  const { sizeBytes, sha256, mode, owner, group } = operation.value;
  const owners = group === '' ? owner : `${owner}:${group}`;
  const details = [
    `${sizeBytes} bytes`,
    `SHA-256 ${sha256}`,
    mode === '' ? '' : `mode ${mode}`,
    owners === '' ? '' : `owner ${owners}`,
  ];
  return `${shown}: ${details.filter((text) => text !== '').join(', ')}`;
}

/** JSON of an input or a result can have 256 KiB; -o json has all of it. */
function shorten(text: string): string {
  return text.length > MAX_SHOWN_JSON ? `${text.slice(0, MAX_SHOWN_JSON)}…` : text;
}

/** The columns of `attemptRow`. */
export const ATTEMPT_COLUMNS: readonly Column[] = [
  { title: 'ATTEMPT', align: 'right' },
  { title: 'NODE', shrinkTo: 8 },
  { title: 'OUTCOME' },
  { title: 'EXIT', align: 'right' },
  { title: 'STARTED', dropOrder: 2 },
  { title: 'DURATION', align: 'right' },
  { title: 'STDOUT', align: 'right', dropOrder: 3 },
  { title: 'STDERR', align: 'right', dropOrder: 4 },
  { title: 'DROPPED', align: 'right', dropOrder: 5 },
  { title: 'MESSAGE', shrinkTo: 10, dropOrder: 1 },
];

/** What is counted at the end of an attempt only. */
const NOT_YET = '…';

/** Returns the row of an attempt. */
export function attemptRow(attempt: Attempt, nowMs: number): (Cell | string)[] {
  const startedMs = toMs(attempt.startedAt);
  const isOver = attempt.outcome !== '';
  return [
    String(attempt.number),
    attempt.nodeId,
    attempt.outcome || 'under way',
    exitText(attempt.exitCode, attempt.signal),
    startedMs === undefined ? '' : formatTime(startedMs),
    formatSpan(startedMs, isOver ? toMs(attempt.exitedAt) : nowMs),
    isOver ? String(attempt.stdoutBytes) : NOT_YET,
    isOver ? String(attempt.stderrBytes) : NOT_YET,
    attempt.droppedBytes === 0n ? '' : String(attempt.droppedBytes),
    attempt.message,
  ];
}

/** Returns a time with its distance from now; empty without a time. */
export function absolute(time: Timestamp | undefined, nowMs: number): string {
  if (time === undefined) return '';
  return `${formatTime(timestampMs(time))} (${formatAge(timestampMs(time), nowMs)})`;
}

/** Returns labels as `key=value` pairs. */
export function labelsText(labels: Readonly<Record<string, string>>): string {
  const keys = Object.keys(labels).sort();
  return harmless(keys.map((key) => `${key}=${labels[key]}`).join(' '));
}

function exitText(exitCode: number | undefined, signal: string): string {
  return signal === '' ? String(exitCode ?? '') : signal;
}

function toMs(time: Timestamp | undefined): number | undefined {
  return time === undefined ? undefined : timestampMs(time);
}
