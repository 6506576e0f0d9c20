/**
 * The filter of the list of tasks: as tokens that people type (`deploy state:failed node:web-1`), as the search of the URL, and as
 * the TaskFilter of the API. Words without a key are looked for in names, as one text.
 *
 *   text ──parseText──► tokens ◄──readTokens / writeTokens──► URL        tokens ──toFilter──► TaskFilter
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { type Task, TaskState, TaskType } from '../../../proto/gen/muster/v1/task_pb.ts';
import type { TaskFilterSchema } from '../../../proto/gen/muster/v1/task_service_pb.ts';

export type FilterInit = MessageInitShape<typeof TaskFilterSchema>;

/** What can be asked for, in the order of the chips. */
export const KEYS = [
  'text',
  'state',
  'type',
  'node',
  'label',
  'schedule',
  'creator',
  'parent',
  'since',
  'until',
  'id',
] as const;
export type Key = (typeof KEYS)[number];

/** One condition. Several of one key are alternatives; several labels must all be there. */
export interface Token {
  readonly key: Key;
  readonly value: string;
}

export type SearchTexts = Readonly<Record<string, string | undefined>>;

/** Keys with at most one value: a new one takes the place of the former. */
const SINGLE: ReadonlySet<Key> = new Set(['text', 'schedule', 'parent', 'since', 'until', 'id']);

export const STATE_VALUES: Readonly<Record<string, TaskState>> = {
  pending: TaskState.PENDING,
  running: TaskState.RUNNING,
  completed: TaskState.COMPLETED,
  failed: TaskState.FAILED,
  timeout: TaskState.TIMEOUT,
  cancelled: TaskState.CANCELLED,
};

export const TYPE_VALUES: Readonly<Record<string, TaskType>> = {
  script: TaskType.SCRIPT,
  file: TaskType.FILE,
  service: TaskType.SERVICE,
  handler: TaskType.HANDLER,
  fan_out: TaskType.FAN_OUT,
};

/** As many as the API takes. */
const MAX_TEXT_BYTES = 200;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Returns what a typed text asks for, and a sentence for the first part that asks for nothing. */
export function parseText(text: string): { tokens: Token[]; fault: string | null } {
  const tokens: Token[] = [];
  const plain: string[] = [];
  let fault: string | null = null;
  for (const part of splitWords(text)) {
    const word = part.replaceAll('"', '');
    if (isPlain(part, word)) {
      if (word !== '') plain.push(word);
      continue;
    }
    const read = parseWord(word);
    if (typeof read === 'string') fault ??= read;
    else tokens.push(...read);
  }
  if (plain.length > 0) {
    const token: Token = { key: 'text', value: plain.join(' ') };
    fault ??= faultOf(token);
    tokens.push(token);
  }
  return { tokens, fault };
}

/** Splits at blanks outside of quotation marks, which stay. */
function splitWords(text: string): string[] {
  return text.match(/(?:"[^"]*"|[^\s"])+/g) ?? [];
}

/** What looks like the beginning of an id is one, and what looks like a condition is meant as one, unless it is quoted. */
function isPlain(part: string, word: string): boolean {
  return part.startsWith('"') || !(BEGINNING_OF_ID.test(word) || word.includes(':'));
}

/** Ids begin with their time, and so with a zero until the year 2527. */
const BEGINNING_OF_ID = /^0[0-9a-f]{3,7}$|^0[0-9a-f]{7}-[0-9a-f-]{0,27}$/i;

function parseWord(word: string): Token[] | string {
  if (BEGINNING_OF_ID.test(word)) return [{ key: 'id', value: word.toLowerCase() }];
  const [name = '', ...rest] = word.split(':');
  const key = KEYS.find((known) => known === name.toLowerCase());
  if (key === undefined) {
    return `“${word}” is no condition: tasks are found by ${KEYS.join(', ')}, as in state:failed; a name with a colon in it by text:${word}`;
  }
  const values = splitValues(key, rest.join(':'));
  if (values.length === 0) return `${key}: needs a value`;
  const tokens = values.map((value) => normalized({ key, value }));
  return tokens.map(faultOf).find((fault) => fault !== null) ?? tokens;
}

/** Commas stand between alternatives; a text has none. */
function splitValues(key: Key, text: string): string[] {
  const values = key === 'text' ? [text] : text.split(',');
  return values.filter((value) => value !== '');
}

function normalized({ key, value }: Token): Token {
  const isWord = key === 'state' || key === 'type' || key === 'id' || key === 'parent';
  const lower = isWord ? value.toLowerCase() : value;
  return { key, value: key === 'type' ? lower.replaceAll('-', '_') : lower };
}

/** Says what is wrong with a token; null when nothing is. */
export function faultOf({ key, value }: Token): string | null {
  const among = (known: Readonly<Record<string, unknown>>) =>
    Object.hasOwn(known, value)
      ? null
      : `${key} is one of ${Object.keys(known).join(', ')}, not “${value}”`;
  switch (key) {
    case 'state':
      return among(STATE_VALUES);
    case 'type':
      return among(TYPE_VALUES);
    case 'label':
      return /^[^=]+=/.test(value) ? null : 'a label is written label:key=value';
    case 'parent':
      return UUID.test(value) ? null : 'parent needs the whole id of a fan-out';
    case 'id':
      return /^[0-9a-f-]{1,36}$/.test(value) ? null : 'id needs the first characters of an id';
    case 'text':
      return new TextEncoder().encode(value).length <= MAX_TEXT_BYTES
        ? null
        : `text has at most ${MAX_TEXT_BYTES} bytes`;
    case 'since':
    case 'until':
      return parseTime(value, 0) === null
        ? `${key} is a time ago such as 30m, 2h or 7d, or a time such as 2026-01-31T08:00`
        : null;
    case 'node':
    case 'schedule':
    case 'creator':
      return null;
  }
}

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Reads a time ago or a date and time of this zone, in ms since 1970; null when it is neither. */
export function parseTime(text: string, nowMs: number): number | null {
  const [, amount, unit] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  if (amount !== undefined && unit !== undefined) {
    return nowMs - Number(amount) * (UNIT_MS[unit] ?? 0);
  }
  if (!/^\d{4}-\d\d/.test(text)) return null;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : at;
}

/** Adds conditions: the same one again changes nothing. */
export function addTokens(tokens: readonly Token[], added: readonly Token[]): Token[] {
  let all = [...tokens];
  for (const token of added) {
    all = all.filter((one) => !isReplaced(one, token));
    all.push(token);
  }
  return all;
}

function isReplaced(one: Token, by: Token): boolean {
  if (one.key !== by.key) return false;
  if (one.key === 'label') return one.value.split('=')[0] === by.value.split('=')[0];
  return SINGLE.has(one.key) || one.value === by.value;
}

export function removeToken(tokens: readonly Token[], { key, value }: Token): Token[] {
  return tokens.filter((one) => one.key !== key || one.value !== value);
}

/** Returns the token as it is typed. */
export function tokenText({ key, value }: Token): string {
  return /\s/.test(value) ? `${key}:"${value}"` : `${key}:${value}`;
}

/** Reads the conditions of a URL; what makes no sense is left out, see faultsOf. A `q` is read as typed text. */
export function readTokens(search: SearchTexts): Token[] {
  const typed = parseText(search['q'] ?? '').tokens;
  return addTokens(
    [],
    [...namedIn(search), ...typed].filter((token) => faultOf(token) === null),
  );
}

function namedIn(search: SearchTexts): Token[] {
  return KEYS.flatMap((key) =>
    splitValues(key, search[key] ?? '').map((value) => normalized({ key, value })),
  );
}

/** Says what of a URL is left out: without it more is shown, and acted on, than was asked for. */
export function faultsOf(search: SearchTexts): string[] {
  const known: readonly string[] = [...KEYS, 'q', 'children'];
  const unknown = Object.keys(search)
    .filter((name) => !known.includes(name))
    .map((name) => `tasks are not found by “${name}”`);
  const wrong = namedIn(search).flatMap((token) => faultOf(token) ?? []);
  const typed = parseText(search['q'] ?? '').fault;
  return [...new Set([...unknown, ...wrong, ...(typed === null ? [] : [typed])])];
}

/** Returns the conditions for a URL. Every key is there, so that former values go. */
export function writeTokens(tokens: readonly Token[]): Record<string, string | undefined> {
  const texts = KEYS.map((key) => {
    const values = tokens.filter((token) => token.key === key).map(({ value }) => value);
    return [key, values.length === 0 ? undefined : values.join(',')] as const;
  });
  return { ...Object.fromEntries(texts), q: undefined };
}

interface FilterContext {
  readonly nowMs: number;
  readonly withChildren: boolean;
  /** Ids of schedules by name. */
  readonly scheduleIds: ReadonlyMap<string, string>;
}

/** Returns the filter of the API. The children of a fan-out that is asked for are always in it. */
export function toFilter(tokens: readonly Token[], context: FilterContext): FilterInit {
  const all = (key: Key) => tokens.filter((token) => token.key === key).map(({ value }) => value);
  const one = (key: Key) => all(key)[0] ?? '';
  const at = (key: Key) => {
    const ms = parseTime(one(key), context.nowMs);
    return ms === null ? undefined : timestampFromMs(ms);
  };
  const createdFrom = at('since');
  const createdUntil = at('until');
  const schedule = one('schedule');
  const isWhole = UUID.test(one('id'));
  const isTopLevel = !context.withChildren && one('parent') === '' && !isWhole;
  return {
    states: all('state').flatMap((name) => STATE_VALUES[name] ?? []),
    types: all('type').flatMap((name) => TYPE_VALUES[name] ?? []),
    nodeIds: all('node'),
    creators: all('creator'),
    labels: Object.fromEntries(
      all('label').map((text) => [
        text.slice(0, text.indexOf('=')),
        text.slice(text.indexOf('=') + 1),
      ]),
    ),
    parentId: one('parent'),
    scheduleId: context.scheduleIds.get(schedule) ?? (UUID.test(schedule) ? schedule : ''),
    idPrefix: one('id'),
    text: one('text'),
    topLevel: isTopLevel,
    ...(createdFrom === undefined ? {} : { createdFrom }),
    ...(createdUntil === undefined ? {} : { createdUntil }),
  };
}

/** Tells whether a task still matches what can change of it: its state and its node. */
export function isStillMatching(filter: FilterInit, task: Pick<Task, 'state' | 'nodeId'>): boolean {
  const { states = [], nodeIds = [] } = filter;
  return (
    (states.length === 0 || states.includes(task.state)) &&
    (nodeIds.length === 0 || nodeIds.includes(task.nodeId))
  );
}
