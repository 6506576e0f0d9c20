/**
 * From a valid TaskSpec to the draft of a task: defaults filled in, and the rules that no constraint of one field can say.
 *
 * Called by task-service.ts after validation.
 */
import { type JsonValue, toJson } from '@bufbuild/protobuf';
import type { Duration } from '@bufbuild/protobuf/wkt';
import { MusterError } from '../../machines/errors.ts';
import {
  DEFAULT_TASK_POLICY,
  type TaskPolicy,
  type TaskTarget,
} from '../../machines/task-context.ts';
import type { FileAction } from '../../proto/gen/muster/v1/file_action_pb.ts';
import type { HandlerAction } from '../../proto/gen/muster/v1/handler_action_pb.ts';
import { ServiceOperation } from '../../proto/gen/muster/v1/service_action_pb.ts';
import {
  Interpreter,
  OfflinePolicy,
  type ScriptAction,
  StartMode,
  type TaskPolicy as PolicyMessage,
  type TaskSpec,
  TaskSpecSchema,
} from '../../proto/gen/muster/v1/task_pb.ts';
import type { TaskDraft } from '../supervisor/supervisor.ts';
import { anyOfSpec, fanOutOf } from './fan-out-spec.ts';
import { msOfDuration, msOfTimestamp, showDuration } from './times.ts';

const MAX_DERIVED_NAME_CHARACTERS = 60;

type GivenAction = Exclude<TaskSpec['action'], { case: undefined }>;

/**
 * Makes a draft of a spec.
 *
 * @param field how the spec is called in the request, for example `specs[3]`
 * @param action completes the sentence `Cannot …`
 * @throws MusterError `invalid_argument`
 */
export function draftOf(spec: TaskSpec, field: string, action: string): TaskDraft {
  const refuse = (fault: string): never => {
    throw new MusterError('invalid_argument', `Cannot ${action}: ${field}${fault}`);
  };
  const { action: asked } = spec;
  if (asked.case === undefined) return refuse(' has no action');
  if (asked.case === 'script') checkScript(asked.value, refuse);
  if (asked.case === 'handler') checkInput(asked.value, refuse);
  const held = spec.start === StartMode.MANUAL;
  const startAt = msOfTimestamp(spec.startAt, `${field}.start_at`, action);
  if (held && startAt !== null) {
    refuse(
      '.start_at does not go with START_MODE_MANUAL; a held task starts when ExecuteTask says so',
    );
  }
  return {
    name: spec.name === '' ? deriveName(asked) : spec.name,
    type: asked.case,
    labels: spec.labels,
    target: targetOf(spec),
    policy: policyOf(spec.policy, refuse),
    held,
    startAt,
    spec: storedSpec(spec, refuse),
    ...contentOf(asked),
    ...fanOutOf(spec, refuse),
    ...anyOfSpec(spec, refuse),
  };
}

/** What must be stored before the task can be created. */
function contentOf(action: GivenAction): Pick<TaskDraft, 'content'> {
  if (action.case !== 'file' || action.value.operation.case !== 'put') return {};
  const { sha256, sizeBytes } = action.value.operation.value;
  return { content: { sha256, sizeBytes: Number(sizeBytes) } };
}

/** The name of a task whose user gave none: what it does, shortly. */
function deriveName(action: GivenAction): string {
  if (action.case === 'script') return scriptName(action.value);
  if (action.case === 'file') return fileName(action.value);
  if (action.case === 'handler') return action.value.handler;
  const { operation, unit } = action.value;
  const [verb = 'service'] =
    Object.entries(ServiceOperation).find(([, n]) => n === operation) ?? [];
  const text = `${verb.toLowerCase()} ${unit}`;
  return text.slice(0, MAX_DERIVED_NAME_CHARACTERS);
}

/** The end of a long path says more than its beginning. */
function fileName({ path, operation }: FileAction): string {
  const characters = Array.from(path);
  const room = MAX_DERIVED_NAME_CHARACTERS - 'delete '.length;
  const shown = characters.length <= room ? path : `…${characters.slice(1 - room).join('')}`;
  return `${operation.case} ${shown}`;
}

function scriptName({ program }: ScriptAction): string {
  const text =
    program.case === 'argv'
      ? basename(program.value.words[0] ?? '')
      : firstLine(program.value ?? '');
  // oxlint-disable-next-line no-control-regex -- they are what must go
  const shown = Array.from(text.replace(/[\x00-\x1f\x7f]+/g, ' ').trim());
  return shown.slice(0, MAX_DERIVED_NAME_CHARACTERS).join('') || 'script';
}

function basename(command: string): string {
  const word = command.trim().split(/\s+/)[0] ?? '';
  return word.slice(word.lastIndexOf('/') + 1);
}

function firstLine(body: string): string {
  for (let from = 0; from < body.length; ) {
    const newline = body.indexOf('\n', from);
    const end = newline < 0 ? body.length : newline;
    const line = body.slice(from, end).trim();
    if (line !== '' && !line.startsWith('#!')) return line;
    from = end + 1;
  }
  return '';
}

function checkScript(script: ScriptAction, refuse: (fault: string) => never): void {
  if (script.program.case !== 'argv') return;
  if (script.program.value.words[0] === '') {
    refuse('.script.argv.words[0] is empty; it must name the program to run');
  }
  if (script.interpreter !== Interpreter.UNSPECIFIED) {
    refuse('.script.interpreter does not go with argv, which runs without one; leave it out');
  }
  if (script.args.length > 0) {
    refuse('.script.args does not go with argv; add them to script.argv.words');
  }
}

function checkInput({ inputJson }: HandlerAction, refuse: (fault: string) => never): void {
  if (inputJson === '') return;
  try {
    JSON.parse(inputJson);
  } catch (fault) {
    const why = fault instanceof Error ? fault.message : String(fault);
    refuse(`.handler.input_json is no JSON: ${why}`);
  }
}

function targetOf({ target }: TaskSpec): TaskTarget {
  return target?.kind.case === 'nodeId'
    ? { kind: 'node', nodeId: target.kind.value }
    : { kind: 'any' };
}

function policyOf(given: PolicyMessage | undefined, refuse: (fault: string) => never): TaskPolicy {
  const initial = DEFAULT_TASK_POLICY;
  const ms = (duration: Duration | undefined, fallback: number) =>
    duration === undefined ? fallback : msOfDuration(duration);
  const retryInitialMs = ms(given?.retryInitial, initial.retryInitialMs);
  // A longer first wait without a word about the longest one is no contradiction.
  const retryMaxMs = ms(given?.retryMax, Math.max(initial.retryMaxMs, retryInitialMs));
  if (retryMaxMs < retryInitialMs && given?.retryMax !== undefined) {
    const first =
      given.retryInitial === undefined ? '1s, the default' : showDuration(given.retryInitial);
    refuse(
      `.policy.retry_max is ${showDuration(given.retryMax)}; it must be at least retry_initial, which is ${first}`,
    );
  }
  return {
    timeoutMs: ms(given?.timeout, initial.timeoutMs),
    maxAttempts: given?.maxAttempts ?? initial.maxAttempts,
    priority: given?.priority ?? initial.priority,
    retryInitialMs,
    retryMaxMs,
    stopGraceMs: ms(given?.stopGrace, initial.stopGraceMs),
    lostAfterMs: ms(given?.lostAfter, initial.lostAfterMs),
    ...offlineOf(given),
  };
}

/** Waiting is the default, and stands in no policy. */
function offlineOf(given: PolicyMessage | undefined): Pick<TaskPolicy, 'offline'> {
  switch (given?.offline) {
    case OfflinePolicy.SKIP:
      return { offline: 'skip' };
    case OfflinePolicy.FAIL:
      return { offline: 'fail' };
    default:
      return {};
  }
}

/** JSON is stricter than the wire about durations; what it refuses is the user's mistake. */
function storedSpec(spec: TaskSpec, refuse: (fault: string) => never): JsonValue {
  try {
    return toJson(TaskSpecSchema, spec);
  } catch (fault) {
    return refuse(` cannot be stored: ${fault instanceof Error ? fault.message : String(fault)}`);
  }
}
