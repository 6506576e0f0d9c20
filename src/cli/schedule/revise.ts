/**
 * What `muster schedule update` makes of a task: the former one, with what the flags say in place of its own.
 */
import { clone, create } from '@bufbuild/protobuf';
import { durationFromMs, durationMs } from '@bufbuild/protobuf/wkt';
import { type FanOutOptions, FanOutOrder } from '../../../proto/gen/muster/v1/fan_out_pb.ts';
import type { NodeSelection } from '../../../proto/gen/muster/v1/target_pb.ts';
import {
  OfflinePolicy,
  type ScriptAction,
  ScriptActionSchema,
  TaskPolicySchema,
  type TaskSpec,
  TaskSpecSchema,
} from '../../../proto/gen/muster/v1/task_pb.ts';
import { BOUNDS } from '../bounds.ts';
import { parseDuration } from '../duration.ts';
import { enumValue } from '../enums.ts';
import { type FanOutFlags, targetOf } from '../fan-out-flags.ts';
import { UsageFault } from '../fault.ts';
import { parseInteger, parsePairs } from '../pairs.ts';
import { buildScript, type RunFlags } from '../run-spec.ts';
import { readSource } from '../script-source.ts';
import { selectionOf } from '../selection-flags.ts';

/** What the flags say of a task. */
export type TaskRevision = (former: TaskSpec) => TaskSpec;

const TASK_FLAGS = [
  ...(['node', 'any', 'nodes', 'hosts', 'selector', 'group', 'all', 'exclude'] as const),
  ...(['maxParallel', 'maxFailures', 'order', 'deadline'] as const),
  ...(['timeout', 'maxAttempts', 'priority', 'offline', 'label'] as const),
  ...(['file', 'shell', 'env', 'cwd', 'user', 'stdin'] as const),
] satisfies readonly (keyof RunFlags)[];

/**
 * Reads what the flags and words say of the task, files and standard input included; null for nothing.
 *
 * @throws UsageFault when they contradict each other or cannot be read
 */
export async function readTaskRevision(
  flags: RunFlags,
  words: readonly string[],
): Promise<TaskRevision | null> {
  if (words.length === 0 && TASK_FLAGS.every((name) => flags[name] === undefined)) return null;
  const reviseAction = await readActionRevision(flags, words);
  return (former) => {
    const task = clone(TaskSpecSchema, former);
    revisePolicy(task, flags);
    if (flags.label !== undefined) task.labels = parsePairs(flags.label, '--label');
    reviseAction(task);
    const where = revisedTarget(former, flags);
    if (where === null) return task;
    // As whole messages: the former options go where there are no new ones.
    const { target, fanOut } = create(TaskSpecSchema, where);
    return Object.assign(task, { target, fanOut });
  };
}

function revisePolicy(task: TaskSpec, flags: RunFlags): void {
  const { timeout, maxAttempts, priority, offline } = flags;
  const policy = task.policy ?? create(TaskPolicySchema);
  if (timeout !== undefined)
    policy.timeout = durationFromMs(parseDuration(timeout, '--timeout', BOUNDS.timeout));
  if (maxAttempts !== undefined)
    policy.maxAttempts = parseInteger(maxAttempts, '--max-attempts', BOUNDS.maxAttempts);
  if (priority !== undefined)
    policy.priority = parseInteger(priority, '--priority', BOUNDS.priority);
  if (offline !== undefined) {
    policy.offline = enumValue(OfflinePolicy, 'OFFLINE_POLICY_', offline, '--offline');
  }
  task.policy = policy;
}

async function readActionRevision(
  flags: RunFlags,
  words: readonly string[],
): Promise<(task: TaskSpec) => void> {
  const hasProgram = flags.file !== undefined || words.length > 0;
  if (flags.shell !== undefined && !hasProgram) {
    throw new UsageFault(
      '--shell is the interpreter of a script; give the script as well: -f FILE',
    );
  }
  const given = hasProgram
    ? create(ScriptActionSchema, await buildScript(flags, words))
    : create(ScriptActionSchema, {
        env: parsePairs(flags.env, '--env'),
        cwd: flags.cwd ?? '',
        user: flags.user ?? '',
        stdin: flags.stdin === undefined ? '' : await readSource(flags.stdin, 'the standard input'),
      });
  const fields = (['env', 'cwd', 'user', 'stdin'] as const).filter(
    (name) => flags[name] !== undefined,
  );
  if (!hasProgram && fields.length === 0) return () => undefined;
  return (task) => {
    const former = task.action.case === 'script' ? task.action.value : null;
    if (former === null && !hasProgram) {
      throw new UsageFault(`--${fields[0]} is for a program, and this schedule runs none`);
    }
    task.action = { case: 'script', value: mergeScript(former, given, hasProgram, fields) };
  };
}

function mergeScript(
  former: ScriptAction | null,
  given: ScriptAction,
  hasProgram: boolean,
  fields: readonly ('env' | 'cwd' | 'user' | 'stdin')[],
): ScriptAction {
  if (former === null) return given;
  const merged = clone(ScriptActionSchema, former);
  if (hasProgram) {
    merged.program = given.program;
    merged.interpreter = given.interpreter;
    merged.args = given.args;
  }
  return Object.assign(merged, Object.fromEntries(fields.map((name) => [name, given[name]])));
}

/** Null where the flags say nothing of it. */
function revisedTarget(former: TaskSpec, flags: RunFlags): ReturnType<typeof targetOf> | null {
  const { maxParallel, maxFailures, order, deadline } = flags;
  const isSingle = flags.node !== undefined || flags.any === true;
  const selection = selectionOf(flags);
  const hasOptions = [maxParallel, maxFailures, order, deadline].some((one) => one !== undefined);
  if (!isSingle && selection === null && !hasOptions) return null;
  const kept = former.target?.kind;
  const stays = !isSingle && selection === null && kept?.case === 'selection';
  const merged = {
    ...(isSingle ? {} : optionFlags(former.fanOut)),
    ...definedOf(flags),
    ...(stays ? selectionFlags(kept.value) : {}),
  };
  return targetOf(selection === null && !stays ? flags : merged);
}

/** The options of a fan-out as flags again. */
function optionFlags(options: FanOutOptions | undefined): FanOutFlags {
  if (options === undefined) return {};
  const { maxParallel, maxFailures, order, deadline } = options;
  return {
    maxParallel,
    maxFailures,
    order: order === FanOutOrder.RANDOM ? 'random' : 'given',
    ...(deadline === undefined ? {} : { deadline: `${durationMs(deadline)}ms` }),
  };
}

function selectionFlags({ nodes, selector, groups, all, exclude }: NodeSelection): FanOutFlags {
  return { nodes, selector, group: groups, all, exclude };
}

function definedOf(flags: FanOutFlags): FanOutFlags {
  const entries = Object.entries(flags).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as FanOutFlags;
}
