/**
 * Walks the task machine breadth first, and writes down what every event does in every configuration it can come to.
 *
 * Imported by tests only. The page that it writes, task-outcomes.table.txt, is kept in the repository and compared word for word.
 */
import { createTask, decideTask, isFinalPath } from './decide.ts';
import type { TaskSnapshot } from './decide.ts';
import { CREATED_AT, VARIANTS, configurationOf, outcomeOf, startingInputs } from './task-cases.ts';
import type { Variant } from './task-cases.ts';
import type { TaskInput } from './task-context.ts';
import type { TaskEvent } from './task-events.ts';

/** A configuration with the first task that came to it. */
export interface Visit {
  readonly configuration: string;
  readonly example: TaskSnapshot;
  /** What each variant does, by its name. */
  readonly outcomes: ReadonlyMap<string, string>;
  /** Where each variant that is a transition leads, by its name. */
  readonly targets: ReadonlyMap<string, ReadonlySet<string>>;
}

interface Step {
  readonly snapshot: TaskSnapshot;
  readonly at: number;
}

/** Makes the event of a variant, stamped. */
export function stamp(
  variant: Variant,
  before: TaskSnapshot,
  at: number,
  random: number,
): TaskEvent {
  return { ...variant.make(before), at: variant.at?.(before, at) ?? at, random };
}

/** Leads a task along variants, ten seconds apart, each of which must be a transition. */
export function follow(
  input: TaskInput,
  names: readonly string[],
): { events: TaskEvent[]; last: TaskSnapshot } {
  let last = createTask(input).snapshot;
  const events = names.map((name, index) => {
    const variant = VARIANTS.find((one) => one.name === name);
    if (variant === undefined) throw new Error(`no variant is called ${name}`);
    const event = stamp(variant, last, CREATED_AT + 10_000 * (index + 1), 0.5);
    const decision = decideTask(last, event);
    if (decision.kind !== 'transition')
      throw new Error(`${name} is ${decision.kind} in ${last.path}`);
    last = decision.snapshot;
    return event;
  });
  return { events, last };
}

/**
 * Visits every reachable configuration, in the order in which they are found: once under each policy, since what is reached later
 * depends on it.
 *
 * @throws Error if two tasks of one configuration differ in what an event does to them: it needs another word then
 */
export function walkTaskMachine(): Map<string, Visit> {
  const visits = new Map<string, Visit>();
  const seen = new Set<string>();
  const waiting: Step[] = startingInputs().map((input) => ({
    snapshot: createTask(input).snapshot,
    at: CREATED_AT,
  }));
  for (const { snapshot, at } of waiting) {
    const configuration = configurationOf(snapshot);
    const name = JSON.stringify([configuration, snapshot.context.policy]);
    if (seen.has(name)) continue;
    seen.add(name);
    const { visit, next } = visitOne(configuration, snapshot, at);
    waiting.push(...next);
    visits.set(configuration, merge(visits.get(configuration), visit));
  }
  return visits;
}

function visitOne(
  configuration: string,
  example: TaskSnapshot,
  at: number,
): { visit: Visit; next: Step[] } {
  const outcomes = new Map<string, string>();
  const targets = new Map<string, Set<string>>();
  const next: Step[] = [];
  for (const variant of VARIANTS) {
    const event = stamp(variant, example, at + 1_000, 0.5);
    const decision = decideTask(example, event);
    outcomes.set(variant.name, outcomeOf(decision));
    if (decision.kind !== 'transition') continue;
    targets.set(variant.name, new Set([configurationOf(decision.snapshot)]));
    next.push({ snapshot: decision.snapshot, at: event.at });
  }
  return { visit: { configuration, example, outcomes, targets }, next };
}

function merge(former: Visit | undefined, visit: Visit): Visit {
  if (former === undefined) return visit;
  for (const [variant, outcome] of visit.outcomes) {
    const other = former.outcomes.get(variant);
    if (other === outcome) continue;
    throw new Error(
      `${variant} in ${visit.configuration} gives ${other}, and ${outcome} elsewhere`,
    );
  }
  const targets = [...former.targets].map(
    ([variant, reached]) =>
      [variant, reached.union(visit.targets.get(variant) ?? new Set<string>())] as const,
  );
  return { ...former, targets: new Map(targets) };
}

/** Renders the visits as one table per state: a row for each variant, a column for each configuration. */
export function renderTable(visits: ReadonlyMap<string, Visit>): string {
  const sections = new Map<string, Visit[]>();
  for (const visit of visits.values()) {
    const title = titleOf(visit);
    sections.set(title, [...(sections.get(title) ?? []), visit]);
  }
  const pages = [...sections].sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1));
  return [INTRODUCTION, ...pages.map(([title, columns]) => renderSection(title, columns))].join(
    '\n',
  );
}

const INTRODUCTION = `What every event does to a task in every state

Generated from the task machine by: vitest run machines/task.test.ts --update
The test compares it word for word. Read the difference: a changed cell is a changed promise.

→ state [cause] +effect   a committed transition; the stop cause the task then has; what must be done because of it
late                      a report of a former attempt or session: written down, changes nothing
refused                   a command that the state does not allow, or an upgrade that this program cannot make: a typed error
ignored                   nothing to do: it is so already, or concerns another attempt, session or time

What comes to the same in all columns of a table stands below it.
`;

/** Outcomes that change nothing. */
const KINDS: ReadonlySet<string> = new Set(['late', 'refused', 'ignored']);

const ORDER = [
  'pending.held',
  'pending.delayed',
  'pending.queued',
  'running.dispatched',
  'running.executing',
  'running.stopping',
  'running.unreachable',
  'final',
];

function rank(title: string): number {
  return ORDER.findIndex((path) => title.startsWith(path));
}

function titleOf({ example, configuration }: Visit): string {
  if (isFinalPath(example.path)) return 'final states';
  const attempts = configuration
    .split(/[:,] /)
    .find((word) => word.endsWith(' attempts') || word === 'last attempt');
  return attempts === undefined ? example.path : `${example.path}, ${attempts}`;
}

function headOf({ configuration }: Visit, title: string): string {
  const [path, ...words] = configuration.split(/[:,] /);
  const left = words.filter((word) => !title.endsWith(word));
  return left.length > 0 ? left.join(', ') : (path ?? '');
}

function renderSection(title: string, columns: readonly Visit[]): string {
  const sorted = [...columns].sort((a, b) => (a.configuration < b.configuration ? -1 : 1));
  const alike = new Map<string, string[]>([...KINDS].map((kind) => [kind, []]));
  const rows = [['event', ...sorted.map((visit) => headOf(visit, title))]];
  for (const { name } of VARIANTS) {
    const cells = sorted.map(({ outcomes }) => outcomes.get(name) ?? '');
    const [first = ''] = cells;
    if (KINDS.has(first) && cells.every((cell) => cell === first)) alike.get(first)?.push(name);
    else rows.push([name, ...cells]);
  }
  const lists = [...alike].flatMap(([kind, names]) =>
    names.length === 0 ? [] : [`- ${kind}: ${names.join(' · ')}`],
  );
  const table = rows.length > 1 ? `${renderRows(rows)}\n` : '';
  return `== ${title} ==\n\n${table}${lists.join('\n')}\n`;
}

function renderRows(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0))) ?? [];
  const lines = rows.map(
    (row) => `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`,
  );
  lines.splice(1, 0, `|${widths.map((width) => '-'.repeat(width + 2)).join('+')}|`);
  return `${lines.join('\n')}\n`;
}
