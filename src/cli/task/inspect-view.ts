/**
 * What `muster task inspect` shows: the states of the machine as a tree with the current one lit, what it waits for, and its last
 * steps. Pure: lines out of messages.
 */
import { timestampMs, type Timestamp } from '@bufbuild/protobuf/wkt';
import type { Machine } from '../../../proto/gen/muster/v1/machine_pb.ts';
import type { Task, Transition } from '../../../proto/gen/muster/v1/task_pb.ts';
import { formatDuration } from '../duration.ts';
import { lookOf, type Style } from '../style.ts';
import { harmless } from '../table.ts';
import { stateName } from '../task-view.ts';
import { formatTimeOfDay } from '../time.ts';

/** What is known of the task that is inspected. */
export interface Inspected {
  readonly machine: Pick<Machine, 'states' | 'edges'>;
  readonly task: Task;
  /** The last ones, oldest first. */
  readonly steps: readonly Transition[];
}

/** Room on the terminal. */
export interface Room {
  readonly columns: number;
  readonly rows: number;
}

/** Returns the whole picture, each line short enough for the terminal; steps that have no room are left out. */
export function drawInspected(
  { machine, task, steps }: Inspected,
  nowMs: number,
  { columns, rows }: Room,
  style: Style,
): string[] {
  const cut = (text: string) => harmless(text).slice(0, Math.max(columns - 1, 1));
  const head = [style.bold(cut(titleOf(task))), ''];
  const tree = treeOf(machine, task, nowMs).map(({ text, isLit, isAround }) =>
    isLit
      ? style[lookOf(stateName(task)).colour](cut(text))
      : isAround
        ? cut(text)
        : style.dim(cut(text)),
  );
  const room = Math.max(rows - head.length - tree.length - 3, 0);
  const last = steps.slice(-room).map((step) => cut(stepLine(step)));
  const foot = room === 0 || last.length === 0 ? [] : ['', ...last];
  return [...head, ...tree, ...foot].slice(0, Math.max(rows - 1, 1));
}

/** Returns one step as a line: when, its version, its event, and where it led. */
export function stepLine({ at, version, eventType, fromState, toState }: Transition): string {
  const time = at === undefined ? ' '.repeat(8) : formatTimeOfDay(timestampMs(at));
  const way = fromState === '' || fromState === toState ? toState : `${fromState} → ${toState}`;
  return `${time}  ${String(version).padStart(3)}  ${eventType.padEnd(20)}  ${way}`;
}

function titleOf(task: Task): string {
  const { id, name, nodeId, attempt, maxAttempts, fanOut } = task;
  if (fanOut !== undefined) {
    const { total, held, active, failed, timedOut } = fanOut;
    const ended = total - held - active;
    return `${name}  ${id}  ${ended} of ${total} ended, ${active} at work, ${failed + timedOut} failed`;
  }
  const place = nodeId === '' ? '' : `  ${nodeId}`;
  return `${name}  ${id}${place}  attempt ${attempt}/${maxAttempts}`;
}

interface TreeLine {
  readonly text: string;
  readonly isLit: boolean;
  /** A state around the current one. */
  readonly isAround: boolean;
}

function treeOf({ states, edges }: Inspected['machine'], task: Task, nowMs: number): TreeLine[] {
  const current = stateName(task);
  // A choice at the beginning is left at once: nothing rests there.
  const isChoice = (path: string) => {
    const leading = edges.filter(({ from }) => from === path);
    return (
      leading.length > 0 && leading.every(({ triggers }) => triggers.every((one) => !one.event))
    );
  };
  return states
    .filter(({ path }) => path === current || !isChoice(path))
    .map(({ path, name }) => {
      const depth = path.split('.').length - 1;
      const isLit = path === current;
      const isAround = current.startsWith(`${path}.`);
      const mark = isLit ? '▶' : isAround ? '▽' : ' ';
      const notes = isLit ? notesOf(task, nowMs) : '';
      return { text: `${mark} ${'  '.repeat(depth)}${name}${notes}`, isLit, isAround };
    });
}

/** What the task is waiting for, counting down. */
function notesOf(task: Task, nowMs: number): string {
  const { updatedAt, deadlineAt, delayedUntil, substate, message, progress } = task;
  const since = updatedAt === undefined ? null : wholeSeconds(nowMs - timestampMs(updatedAt));
  const notes = [
    since === null || substate === '' ? '' : `for ${since}`,
    substate === 'delayed' ? timerText('goes on', delayedUntil, nowMs) : '',
    substate === 'executing' || substate === 'stopping'
      ? timerText('times out', deadlineAt, nowMs)
      : '',
    progress === undefined ? '' : `${Math.floor(progress.fraction * 100)} % ${progress.message}`,
    message,
  ].filter((note) => note !== '');
  return notes.length === 0 ? '' : `   ${notes.join(' · ')}`;
}

function timerText(what: string, at: Timestamp | undefined, nowMs: number): string {
  if (at === undefined) return '';
  const leftMs = timestampMs(at) - nowMs;
  return leftMs <= 0 ? `${what} now` : `${what} in ${wholeSeconds(leftMs + 999)}`;
}

/** A picture that is drawn once a second has no use for less. */
function wholeSeconds(ms: number): string {
  return formatDuration(Math.floor(Math.max(ms, 0) / 1000) * 1000).replace(/^0ms$/, '0s');
}
