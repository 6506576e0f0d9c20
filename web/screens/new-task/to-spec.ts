/**
 * Reads the form: the spec of a task or of a schedule that it asks for, and what in it cannot be read.
 *
 * Whether values are allowed is for the server to say; here only that is refused which could not be sent. Pure.
 */
import { type MessageInitShape, create } from '@bufbuild/protobuf';
import { durationFromMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { FanOutOrder } from '../../../proto/gen/muster/v1/fan_out_pb.ts';
import {
  Missed,
  Overlap,
  type ScheduleSpec,
  ScheduleSpecSchema,
  type TimingSchema,
} from '../../../proto/gen/muster/v1/schedule_pb.ts';
import { ServiceOperation } from '../../../proto/gen/muster/v1/service_action_pb.ts';
import type { NodeSelectionSchema } from '../../../proto/gen/muster/v1/target_pb.ts';
import {
  Interpreter,
  OfflinePolicy,
  StartMode,
  type TaskSpec,
  TaskSpecSchema,
} from '../../../proto/gen/muster/v1/task_pb.ts';
import type { FormState, Problem, TextField } from './form-state.ts';
import {
  readDuration,
  readInteger,
  readList,
  readLocalTime,
  readPairs,
  readWords,
} from './texts.ts';

type SpecInit = Exclude<MessageInitShape<typeof TaskSpecSchema>, TaskSpec>;
export type Selection = MessageInitShape<typeof NodeSelectionSchema>;
export type TimingInit = MessageInitShape<typeof TimingSchema>;

/** What came of reading a form; the message is only as good as there are no problems. */
export interface Reading<Message> {
  readonly message: Message;
  readonly problems: readonly Problem[];
}

/** Reads the task. */
export function toTaskSpec(form: FormState): Reading<TaskSpec> {
  const fields = new Fields(form);
  return { message: create(TaskSpecSchema, taskOf(fields)), problems: fields.problems };
}

/** Reads the schedule, with its task. */
export function toScheduleSpec(form: FormState): Reading<ScheduleSpec> {
  const fields = new Fields(form);
  const window = fields.duration('missedWindow');
  const jitter = fields.duration('jitter');
  const message = create(ScheduleSpecSchema, {
    name: fields.needed('scheduleName', 'Give the schedule a name'),
    timing: timingOf(fields),
    overlap: enumOf(Overlap, form.overlap),
    missed: enumOf(Missed, form.missed),
    ...(window === undefined ? {} : { missedWindow: window }),
    ...(jitter === undefined ? {} : { jitter }),
    task: { ...taskOf(fields), start: StartMode.UNSPECIFIED },
  });
  return { message, problems: fields.problems };
}

/** Reads when the schedule is due, for a look ahead. */
export function toTiming(form: FormState): Reading<TimingInit> {
  const fields = new Fields(form);
  return { message: timingOf(fields), problems: fields.problems };
}

/** Reads which nodes are chosen. */
export function toSelection(form: FormState): Selection {
  return {
    nodes: readList(form.nodes),
    selector: form.selector.trim(),
    groups: readList(form.groups),
    all: form.all,
    exclude: readList(form.exclude),
  };
}

/** Tells whether anything is chosen at all. */
export function isSelecting(form: FormState): boolean {
  return form.all || [form.nodes, form.selector, form.groups].some((text) => text.trim() !== '');
}

/** The value of a name such as `random` in an enum of the API. */
function enumOf<Value extends number>(
  values: Readonly<Record<string, Value>>,
  name: string,
): Value {
  return (values[name.toUpperCase()] ?? 0) as Value;
}

type DurationField =
  | 'timeout'
  | 'deadline'
  | 'retryInitial'
  | 'retryMax'
  | 'stopGrace'
  | 'lostAfter'
  | 'missedWindow'
  | 'jitter'
  | 'every';

/** Reads fields, and keeps what is wrong with them. */
class Fields {
  readonly form: FormState;
  readonly problems: Problem[] = [];

  constructor(form: FormState) {
    this.form = form;
  }

  read<Field extends keyof FormState, Value>(
    field: Field,
    reader: (value: FormState[Field]) => Value,
    instead: Value,
  ): Value {
    try {
      return reader(this.form[field]);
    } catch (error) {
      this.problems.push({ field, text: (error as Error).message });
      return instead;
    }
  }

  needed(field: TextField, why: string): string {
    const text = this.form[field];
    if (text.trim() === '') this.problems.push({ field, text: why });
    return text.trim();
  }

  duration(field: DurationField) {
    if (this.form[field].trim() === '') return undefined;
    return durationFromMs(this.read(field, readDuration, 0));
  }

  time(field: 'startAt' | 'at' | 'from' | 'until') {
    return timestampFromMs(this.read(field, readLocalTime, 0));
  }
}

function taskOf(fields: Fields): SpecInit {
  const { form } = fields;
  return {
    name: form.name.trim(),
    labels: fields.read('labels', readPairs, {}),
    action: actionOf(fields),
    ...targetOf(fields),
    policy: policyOf(fields),
    ...startOf(fields),
  };
}

function startOf(fields: Fields): Pick<SpecInit, 'start' | 'startAt'> {
  const { start } = fields.form;
  if (start === 'held') return { start: StartMode.MANUAL };
  if (start === 'at') return { start: StartMode.IMMEDIATE, startAt: fields.time('startAt') };
  return { start: StartMode.IMMEDIATE };
}

function actionOf(fields: Fields): NonNullable<SpecInit['action']> {
  const { form } = fields;
  switch (form.action) {
    case 'service': {
      const unit = fields.needed('unit', 'Name the unit, such as nginx');
      return {
        case: 'service',
        value: { unit, operation: enumOf(ServiceOperation, form.operation) },
      };
    }
    case 'handler': {
      const handler = fields.needed('handler', 'Name the handler');
      return { case: 'handler', value: { handler, inputJson: fields.read('input', readJson, '') } };
    }
    case 'file':
      return form.file === null ? { case: undefined } : { case: 'file', value: form.file };
    default:
      return { case: 'script', value: { ...programOf(fields), ...surroundingsOf(fields) } };
  }
}

function programOf(fields: Fields) {
  const { form } = fields;
  if (form.action === 'command') {
    const words = fields.read('command', readWords, []);
    if (form.command.trim() === '') fields.needed('command', 'Type a program and its arguments');
    return { program: { case: 'argv' as const, value: { words } } };
  }
  fields.needed('body', 'Write a script');
  return {
    program: { case: 'body' as const, value: form.body },
    interpreter: enumOf(Interpreter, form.interpreter),
    args: fields.read('args', readWords, []),
  };
}

function surroundingsOf(fields: Fields) {
  const { form } = fields;
  const env = fields.read('env', readPairs, {});
  return { env, cwd: form.cwd.trim(), user: form.user.trim(), stdin: form.stdin };
}

/** Sent as it was written, if it is JSON. */
function readJson(text: string): string {
  if (text.trim() === '') return '';
  try {
    JSON.parse(text);
  } catch (error) {
    throw new Error(`The input is no JSON: ${(error as Error).message}`, { cause: error });
  }
  return text.trim();
}

function targetOf(fields: Fields): Pick<SpecInit, 'target' | 'fanOut'> {
  const { form } = fields;
  if (form.target === 'any') return { target: { kind: { case: 'any', value: {} } } };
  if (form.target === 'node') {
    const value = fields.needed('node', 'Choose a node');
    return { target: { kind: { case: 'nodeId', value } } };
  }
  if (!isSelecting(form)) {
    fields.problems.push({
      field: 'nodes',
      text: 'Choose nodes: by name, labels or group, or all',
    });
  }
  const selection = toSelection(form);
  if (form.target === 'oneOf') return { target: { kind: { case: 'any', value: { selection } } } };
  const deadline = fields.duration('deadline');
  return {
    target: { kind: { case: 'selection', value: selection } },
    fanOut: {
      maxParallel: form.maxParallel.trim(),
      maxFailures: form.maxFailures.trim(),
      order: enumOf(FanOutOrder, form.order),
      ...(deadline === undefined ? {} : { deadline }),
    },
  };
}

function policyOf(fields: Fields) {
  const { form } = fields;
  const durations = (
    ['timeout', 'retryInitial', 'retryMax', 'stopGrace', 'lostAfter'] as const
  ).flatMap((field) => {
    const value = fields.duration(field);
    return value === undefined ? [] : [[field, value] as const];
  });
  const numbers = (['maxAttempts', 'priority'] as const).flatMap((field) =>
    form[field].trim() === '' ? [] : [[field, fields.read(field, readInteger, 1)] as const],
  );
  return {
    ...Object.fromEntries(durations),
    ...Object.fromEntries(numbers),
    offline: enumOf(OfflinePolicy, form.offline),
  };
}

function timingOf(fields: Fields): TimingInit {
  const { form } = fields;
  const bounds = {
    ...(form.from === '' ? {} : { startAt: fields.time('from') }),
    ...(form.until === '' ? {} : { endAt: fields.time('until') }),
  };
  switch (form.timing) {
    case 'every': {
      fields.needed('every', 'Say how often, such as 10m');
      const value = fields.duration('every') ?? durationFromMs(0);
      return { kind: { case: 'every', value }, ...bounds };
    }
    case 'at':
      return { kind: { case: 'at', value: fields.time('at') } };
    default: {
      const value = fields.needed('cron', 'Write five fields, such as 30 4 * * *');
      return { kind: { case: 'cron', value }, timeZone: form.timeZone.trim(), ...bounds };
    }
  }
}
