/**
 * What stands in the form of a new task: texts, exactly as they were typed, and choices.
 *
 * An empty text means the default of the server. to-spec.ts reads it, from-spec.ts fills it.
 */
import type { FileAction } from '../../../proto/gen/muster/v1/file_action_pb.ts';

export type ActionKind = 'script' | 'command' | 'service' | 'handler' | 'file';
export type TargetKind = 'any' | 'node' | 'oneOf' | 'each';
export type StartKind = 'now' | 'at' | 'held' | 'schedule';
export type TimingKind = 'cron' | 'every' | 'at';

export interface FormState {
  readonly action: ActionKind;
  readonly body: string;
  readonly interpreter: string;
  /** Words, quoted as in a shell. */
  readonly args: string;
  readonly command: string;
  readonly unit: string;
  readonly operation: string;
  readonly handler: string;
  readonly input: string;
  /** Of a file task that is run again: the form does not change it. */
  readonly file: FileAction | null;
  /** KEY=value, one a line. */
  readonly env: string;
  readonly cwd: string;
  readonly user: string;
  readonly stdin: string;

  readonly target: TargetKind;
  readonly node: string;
  /** Ids and patterns, with commas or spaces between them. */
  readonly nodes: string;
  readonly selector: string;
  readonly groups: string;
  readonly all: boolean;
  readonly exclude: string;
  readonly maxParallel: string;
  readonly maxFailures: string;
  readonly order: string;
  readonly deadline: string;

  readonly name: string;
  readonly labels: string;
  readonly timeout: string;
  readonly maxAttempts: string;
  readonly priority: string;
  readonly retryInitial: string;
  readonly retryMax: string;
  readonly stopGrace: string;
  readonly lostAfter: string;
  readonly offline: string;

  readonly start: StartKind;
  /** As an input of type datetime-local has it, in the zone of the browser. */
  readonly startAt: string;

  readonly scheduleName: string;
  readonly timing: TimingKind;
  readonly cron: string;
  readonly every: string;
  readonly at: string;
  readonly timeZone: string;
  readonly from: string;
  readonly until: string;
  readonly overlap: string;
  readonly missed: string;
  readonly missedWindow: string;
  readonly jitter: string;
}

/** Fields that hold text. */
export type TextField = {
  [Field in keyof FormState]: FormState[Field] extends string ? Field : never;
}[keyof FormState];

export const EMPTY: FormState = {
  action: 'script',
  body: '',
  interpreter: 'sh',
  args: '',
  command: '',
  unit: '',
  operation: 'restart',
  handler: '',
  input: '',
  file: null,
  env: '',
  cwd: '',
  user: '',
  stdin: '',
  target: 'any',
  node: '',
  nodes: '',
  selector: '',
  groups: '',
  all: false,
  exclude: '',
  maxParallel: '',
  maxFailures: '',
  order: 'given',
  deadline: '',
  name: '',
  labels: '',
  timeout: '',
  maxAttempts: '',
  priority: '',
  retryInitial: '',
  retryMax: '',
  stopGrace: '',
  lostAfter: '',
  offline: 'wait',
  start: 'now',
  startAt: '',
  scheduleName: '',
  timing: 'cron',
  cron: '',
  every: '',
  at: '',
  timeZone: '',
  from: '',
  until: '',
  overlap: 'forbid',
  missed: 'latest',
  missedWindow: '',
  jitter: '',
};

/** Something that cannot be read, beside the field in which it stands. */
export interface Problem {
  readonly field: keyof FormState;
  readonly text: string;
}
