/**
 * Writes the form as the command line that does the same, to be kept in a script or sent to somebody.
 *
 * What the command line has no flag for is named, so that nobody believes it to be there. Pure.
 */
import type { FormState } from './form-state.ts';
import { quoteWord, readList, readPairs, readWords } from './texts.ts';

export interface CommandLine {
  readonly text: string;
  /** Fields that are set and have no flag. */
  readonly without: readonly string[];
}

/** Returns the command line. @throws Error with a sentence where a field cannot be read */
export function toCommandLine(form: FormState): CommandLine {
  const isSchedule = form.start === 'schedule';
  if (form.action === 'file') throw new Error('A file task is made by ./muster file');
  if (isSchedule && (form.action === 'service' || form.action === 'handler')) {
    throw new Error('The command line makes schedules of scripts and commands only');
  }
  const without: string[] = [];
  const flags = [
    ...(isSchedule ? scheduleFlags(form) : startFlags(form, without)),
    ...targetFlags(form),
    ...policyFlags(form, without),
    ...surroundingFlags(form, without),
  ];
  const { before, after, input } = actionWords(form, isSchedule);
  const head = ['./muster', ...before].map(quoteWord).join(' ');
  const line = [head, ...flags].join(' ') + after;
  if (input === null) return { text: line, without };
  const end = endOf(input);
  return { text: `${line} <<'${end}'\n${input.replace(/\n?$/, '\n')}${end}`, without };
}

function actionWords(form: FormState, isSchedule: boolean) {
  const verb = isSchedule ? ['schedule', 'create', form.scheduleName.trim()] : ['run'];
  switch (form.action) {
    case 'service':
      return { before: ['service', form.operation, form.unit.trim()], after: '', input: null };
    case 'handler': {
      const input = form.input.trim();
      const after = input === '' ? '' : ` --input ${quoteWord(input)}`;
      return { before: ['call', form.handler.trim()], after, input: null };
    }
    case 'command': {
      const words = readWords(form.command).map(quoteWord).join(' ');
      return { before: verb, after: ` -- ${words}`, input: null };
    }
    default: {
      const args = readWords(form.args).map((word) => ` ${quoteWord(word)}`);
      const after = ` --shell ${form.interpreter} -f -${args.length === 0 ? '' : ` --${args.join('')}`}`;
      return { before: verb, after, input: form.body };
    }
  }
}

/** A line that the script does not have. */
function endOf(body: string): string {
  let end = 'EOF';
  while (body.split('\n').includes(end)) end += '_';
  return end;
}

function flag(name: string, value: string): string[] {
  return value.trim() === '' ? [] : [`${name} ${quoteWord(value.trim())}`];
}

function startFlags(form: FormState, without: string[]): string[] {
  if (form.start === 'now') return [];
  if (form.action === 'service') {
    without.push('start');
    return [];
  }
  return form.start === 'held' ? ['--hold'] : timeFlag('--start-at', form.startAt);
}

function timeFlag(name: string, local: string): string[] {
  const ms = new Date(local).getTime();
  return Number.isNaN(ms) ? [] : [`${name} ${new Date(ms).toISOString()}`];
}

function scheduleFlags(form: FormState): string[] {
  const timing = {
    cron: () => [...flag('--cron', form.cron), ...flag('--tz', form.timeZone)],
    every: () => flag('--every', form.every),
    at: () => timeFlag('--at', form.at),
  }[form.timing]();
  const bounds =
    form.timing === 'at'
      ? []
      : [...timeFlag('--from', form.from), ...timeFlag('--until', form.until)];
  return [
    ...timing,
    ...bounds,
    ...(form.overlap === 'forbid' ? [] : flag('--overlap', form.overlap)),
    ...(form.missed === 'latest' ? [] : flag('--missed', form.missed)),
    ...flag('--missed-window', form.missedWindow),
    ...flag('--jitter', form.jitter),
  ];
}

function targetFlags(form: FormState): string[] {
  if (form.target === 'any') return [];
  if (form.target === 'node') return flag('--node', form.node);
  const chosen = [
    ...flag('-n', readList(form.nodes).join(',')),
    ...flag('-l', form.selector),
    ...readList(form.groups).flatMap((group) => flag('-g', group)),
    ...(form.all ? ['--all'] : []),
    ...flag('-x', readList(form.exclude).join(',')),
  ];
  if (form.target === 'oneOf') return [...chosen, '--any'];
  return [
    ...chosen,
    ...flag('--max-parallel', form.maxParallel),
    ...flag('--max-failures', form.maxFailures),
    ...(form.order === 'given' ? [] : flag('--order', form.order)),
    ...flag('--deadline', form.deadline),
  ];
}

function policyFlags(form: FormState, without: string[]): string[] {
  for (const field of ['retryInitial', 'retryMax', 'stopGrace', 'lostAfter'] as const) {
    if (form[field].trim() !== '') without.push(field);
  }
  const isService = form.action === 'service';
  if (isService && form.priority.trim() !== '') without.push('priority');
  if (isService && form.name.trim() !== '') without.push('name');
  return [
    ...(isService || form.start === 'schedule' ? [] : flag('--name', form.name)),
    ...flag('--timeout', form.timeout),
    ...flag('--max-attempts', form.maxAttempts),
    ...(isService ? [] : flag('--priority', form.priority)),
    ...(form.offline === 'wait' ? [] : flag('--offline', form.offline)),
    ...pairFlags('--label', form.labels),
  ];
}

function surroundingFlags(form: FormState, without: string[]): string[] {
  if (form.action !== 'script' && form.action !== 'command') return [];
  if (form.stdin !== '') without.push('stdin');
  return [
    ...pairFlags('--env', form.env),
    ...flag('--cwd', form.cwd),
    ...flag('--user', form.user),
  ];
}

function pairFlags(name: string, text: string): string[] {
  return Object.entries(readPairs(text)).map(
    ([key, value]) => `${name} ${quoteWord(`${key}=${value}`)}`,
  );
}
