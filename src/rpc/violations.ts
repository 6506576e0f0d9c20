/**
 * Violated constraints of the proto as sentences for people: which field, what it is, what it must be.
 *
 * Called by validation.ts only. What is allowed is read from the constraint itself, so that the sentence is never older
 * than the rule; only patterns have their words here, and a test sees to it that none is without.
 */
import { type DescMessage, getOption, type Message, type MessageShape } from '@bufbuild/protobuf';
import { type Path, pathToString, reflect, type ReflectMessage } from '@bufbuild/protobuf/reflect';
import type { Violation } from '@bufbuild/protovalidate';
import {
  field as fieldRules,
  FieldRulesSchema,
} from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { showDuration } from './times.ts';
import { anyOf } from './words.ts';

/** How many violations one sentence names; the rest is counted. */
const MAX_NAMED = 4;
const MAX_SHOWN_CHARACTERS = 60;

const NO_NUL = 'it may contain any character but NUL';

/** The words for each pattern that occurs in the proto. */
export const WORDS_OF_PATTERN: Readonly<Record<string, string>> = {
  '^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$':
    'it must be 1 to 63 letters, digits, "-", "_" or ".", a letter or digit at both ends',
  '^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$':
    'a label name must be 1 to 63 letters, digits, "-", "_" or ".", a letter or digit at both ends, after a lower-case domain and "/" if wanted',
  '^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$':
    'a label value must be empty or 1 to 63 letters, digits, "-", "_" or ".", a letter or digit at both ends',
  '^[^\\x00-\\x1f\\x7f]*$': 'it must be one line without control characters',
  '^[^\\x00]*$': NO_NUL,
  '^(/[^\\x00]*)?$': 'it must be an absolute path, beginning with "/"',
  '^[A-Za-z_][A-Za-z0-9_]{0,127}$':
    'the name of a variable must be 1 to 128 letters, digits or "_", not beginning with a digit',
  '^([A-Za-z_][-A-Za-z0-9_.]{0,31})?$':
    'it must be a user name: 1 to 32 letters, digits, "-", "_" or ".", beginning with a letter or "_"',
  '^[\\x21-\\x7e]*$': 'it must be visible ASCII characters without spaces',
  '^[A-Za-z0-9:_.@\\\\][-A-Za-z0-9:_.@\\\\]{0,254}$':
    'it must be the name of a systemd unit: 1 to 255 letters, digits, ":", "-", "_", ".", "@" or "\\", not beginning with "-"',
  '^(/([^/.\\x00-\\x1f\\x7f][^/\\x00-\\x1f\\x7f]*|\\.[^/.\\x00-\\x1f\\x7f][^/\\x00-\\x1f\\x7f]*|\\.\\.[^/\\x00-\\x1f\\x7f]+))+$':
    'it must be the absolute path of a file, without "." or "..", doubled or trailing slashes and control characters',
  '^[0-9a-f]{64}$': 'it must be a SHA-256: 64 lower-case hexadecimal digits',
  '^(0?[0-7]{3,4})?$': 'it must be permissions in octal digits, as in 0644',
  '^([A-Za-z_][-A-Za-z0-9_.]{0,31}|[0-9]{1,9})?$':
    'it must be the name or the number of a user or group',
  '^[A-Za-z_$][A-Za-z0-9_$]{0,127}$':
    'it must be the name of a function: 1 to 128 letters, digits, "_" or "$", not beginning with a digit',
  '^[0-9a-f-]{0,36}$':
    'it must be the first characters of a task id: lower-case hexadecimal digits and hyphens',
};

/** Puts all violations of one message into one sentence, without its beginning. */
export function showViolations<D extends DescMessage>(
  schema: D,
  message: MessageShape<D>,
  violations: readonly Violation[],
): string {
  const named = violations.slice(0, MAX_NAMED).map((one) => showViolation(schema, message, one));
  const rest = violations.length - named.length;
  if (rest > 0) named.push(`${rest} more ${rest === 1 ? 'fault' : 'faults'}`);
  return named.join('; also ');
}

function showViolation(schema: DescMessage, message: Message, violation: Violation): string {
  const path = pathToString(violation.field);
  const value = violation.forKey ? undefined : valueAt(schema, message, violation.field);
  const [type = '', rule = ''] = violation.ruleId.split('.');
  if (type === 'required') return showMissing(violation.field, path);
  if (type === 'enum') return showEnum(violation.field, path, value);
  if (rule.startsWith('uuid')) return `${path} is ${show(value)}; it must be a UUID`;
  const rules = rulesOf(violation);
  if (rule === 'pattern') return showPattern(violation, path, value, String(rules?.['pattern']));
  if (rule === 'max_bytes' || rule === 'max_len') {
    const limit = Number(rules?.['maxBytes'] ?? rules?.['maxLen']);
    return `${path} is ${sizeOf(value)} bytes long; it may have at most ${showSize(limit)}`;
  }
  if (rule === 'min_len') return `${path} is empty`;
  if (rule === 'min_items') return `${path} is empty; it must have at least one item`;
  if (rule === 'max_items' || rule === 'max_pairs') {
    const limit = String(rules?.['maxItems'] ?? rules?.['maxPairs']);
    return `${path} has ${(value as { size: number }).size} items; it may have at most ${limit}`;
  }
  const range = showRange(rules);
  return range === null
    ? `${path} is wrong: ${violation.message}`
    : `${path} is ${show(value)}; it must be ${range}`;
}

function showMissing(path: Path, shown: string): string {
  const last = path.at(-1);
  if (last?.kind !== 'oneof') return `${shown} is missing`;
  const choices = last.fields.map((field) => pathToString([...path.slice(0, -1), field]));
  return `${choices.join(' or ')} is missing`;
}

function showEnum(path: Path, shown: string, value: unknown): string {
  const field = path.findLast((step) => step.kind === 'field');
  const names = field?.enum?.values.filter((one) => one.number !== 0).map((one) => one.name) ?? [];
  const known = field?.enum?.values.find((one) => one.number === value)?.name;
  return `${shown} is ${known ?? String(value)}; it must be ${anyOf(names)}`;
}

function showPattern(violation: Violation, path: string, value: unknown, pattern: string): string {
  const words = WORDS_OF_PATTERN[pattern] ?? `it must match ${pattern}`;
  // Values of this pattern are script texts, arguments and variables: long, or secret.
  if (words === NO_NUL) return `${path} contains a NUL byte; ${words}`;
  if (violation.forKey) return `${path} has a name that is not allowed; ${words}`;
  return `${path} is ${show(value)}; ${words}`;
}

/** The rules message that holds the violated rule, for example Int32Rules. */
function rulesOf(violation: Violation): Readonly<Record<string, unknown>> | undefined {
  const field = violation.field.findLast((step) => step.kind === 'field');
  if (field === undefined) return undefined;
  let at: ReflectMessage = reflect(FieldRulesSchema, getOption(field, fieldRules));
  for (const step of violation.rule.slice(0, -1)) {
    if (step.kind !== 'field' || step.fieldKind !== 'message') return undefined;
    at = at.get(step);
  }
  return at.message as unknown as Record<string, unknown>;
}

interface Bound {
  readonly case: string;
  readonly value: unknown;
}

function showRange(rules: Readonly<Record<string, unknown>> | undefined): string | null {
  const low = rules?.['greaterThan'] as Bound | undefined;
  const high = rules?.['lessThan'] as Bound | undefined;
  if (low?.case === 'gte' && high?.case === 'lte') {
    return `from ${show(low.value)} to ${show(high.value)}`;
  }
  if (low?.case === 'gte') return `at least ${show(low.value)}`;
  if (high?.case === 'lte') return `at most ${show(high.value)}`;
  return null;
}

/** Follows a path into a message. Undefined where it leads to a oneof. */
function valueAt(schema: DescMessage, message: Message, path: Path): unknown {
  let at: unknown = reflect(schema, message);
  for (const step of path) {
    if (step.kind === 'oneof' || step.kind === 'extension') return undefined;
    const key = step.kind === 'field' ? step : step.kind === 'list_sub' ? step.index : step.key;
    at = (at as { get(key: unknown): unknown }).get(key);
  }
  return at;
}

function show(value: unknown): string {
  if (typeof value === 'string') {
    if (value === '') return 'empty';
    const characters = Array.from(value);
    const isCut = characters.length > MAX_SHOWN_CHARACTERS;
    return JSON.stringify(isCut ? `${characters.slice(0, MAX_SHOWN_CHARACTERS).join('')}…` : value);
  }
  if (typeof value !== 'object' || value === null) return String(value);
  const duration = 'message' in value ? value.message : value;
  return showDuration(duration as { seconds: bigint; nanos: number });
}

function sizeOf(value: unknown): number {
  return typeof value === 'string' ? Buffer.byteLength(value) : (value as Uint8Array).length;
}

function showSize(bytes: number): string {
  if (bytes % 2 ** 20 === 0) return `${bytes / 2 ** 20} MiB`;
  if (bytes % 2 ** 10 === 0) return `${bytes / 2 ** 10} KiB`;
  return `${bytes} bytes`;
}
