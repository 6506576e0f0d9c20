/**
 * Fills the form from the spec of a task, to run it again with changes. Pure, and the other way round of to-spec.ts.
 */
import { durationMs, timestampMs } from '@bufbuild/protobuf/wkt';
import type { Duration } from '@bufbuild/protobuf/wkt';
import { FanOutOrder } from '../../../proto/gen/muster/v1/fan_out_pb.ts';
import { ServiceOperation } from '../../../proto/gen/muster/v1/service_action_pb.ts';
import type { NodeSelection } from '../../../proto/gen/muster/v1/target_pb.ts';
import {
  Interpreter,
  OfflinePolicy,
  StartMode,
  type ScriptAction,
  type TaskSpec,
} from '../../../proto/gen/muster/v1/task_pb.ts';
import { EMPTY, type FormState } from './form-state.ts';
import { writeDuration, writeList, writeLocalTime, writePairs, writeWords } from './texts.ts';

type Part = Partial<FormState>;

/** Fills the form with all that the spec says. */
export function fromTaskSpec(spec: TaskSpec): FormState {
  return {
    ...EMPTY,
    name: spec.name,
    labels: writePairs(spec.labels),
    ...actionPart(spec),
    ...targetPart(spec),
    ...policyPart(spec),
    ...startPart(spec),
  };
}

/** Fills the form to run a task again: a time that is over becomes now. */
export function toRunAgain(spec: TaskSpec): FormState {
  const form = fromTaskSpec(spec);
  return form.start === 'at' ? { ...form, start: 'now', startAt: '' } : form;
}

/** The name of a value of an enum, such as `random`; the default for the unspecified one. */
function nameOf(values: Readonly<Record<string, number>>, value: number, unset: string): string {
  const name = Object.keys(values).find((key) => values[key] === value);
  return value === 0 || name === undefined ? unset : name.toLowerCase();
}

function actionPart({ action }: TaskSpec): Part {
  switch (action.case) {
    case 'script':
      return scriptPart(action.value);
    case 'service': {
      const { unit, operation } = action.value;
      return { action: 'service', unit, operation: nameOf(ServiceOperation, operation, 'restart') };
    }
    case 'handler':
      return { action: 'handler', handler: action.value.handler, input: action.value.inputJson };
    case 'file':
      return { action: 'file', file: action.value };
    default:
      return {};
  }
}

function scriptPart({ program, interpreter, args, env, cwd, user, stdin }: ScriptAction): Part {
  const around = { env: writePairs(env), cwd, user, stdin };
  if (program.case === 'argv') {
    return { action: 'command', command: writeWords(program.value.words), ...around };
  }
  return {
    action: 'script',
    body: program.value ?? '',
    interpreter: nameOf(Interpreter, interpreter, 'sh'),
    args: writeWords(args),
    ...around,
  };
}

function targetPart({ target, fanOut }: TaskSpec): Part {
  const kind = target?.kind;
  switch (kind?.case) {
    case 'nodeId':
      return { target: 'node', node: kind.value };
    case 'any': {
      const { selection } = kind.value;
      return selection === undefined ? {} : { target: 'oneOf', ...selectionPart(selection) };
    }
    case 'selection':
      return {
        target: 'each',
        ...selectionPart(kind.value),
        maxParallel: fanOut?.maxParallel ?? '',
        maxFailures: fanOut?.maxFailures ?? '',
        order: nameOf(FanOutOrder, fanOut?.order ?? 0, 'given'),
        deadline: durationText(fanOut?.deadline),
      };
    default:
      return {};
  }
}

function selectionPart({ nodes, selector, groups, all, exclude }: NodeSelection): Part {
  return {
    nodes: writeList(nodes),
    selector,
    groups: writeList(groups),
    all,
    exclude: writeList(exclude),
  };
}

function policyPart({ policy }: TaskSpec): Part {
  if (policy === undefined) return {};
  return {
    timeout: durationText(policy.timeout),
    maxAttempts: policy.maxAttempts === undefined ? '' : String(policy.maxAttempts),
    priority: policy.priority === undefined ? '' : String(policy.priority),
    retryInitial: durationText(policy.retryInitial),
    retryMax: durationText(policy.retryMax),
    stopGrace: durationText(policy.stopGrace),
    lostAfter: durationText(policy.lostAfter),
    offline: nameOf(OfflinePolicy, policy.offline, 'wait'),
  };
}

function startPart({ start, startAt }: TaskSpec): Part {
  if (start === StartMode.MANUAL) return { start: 'held' };
  if (startAt === undefined) return {};
  return { start: 'at', startAt: writeLocalTime(timestampMs(startAt)) };
}

function durationText(duration: Duration | undefined): string {
  return duration === undefined ? '' : writeDuration(durationMs(duration));
}
