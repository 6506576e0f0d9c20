/**
 * The flags that select tasks, shared by `task list`, `task watch` and `task stats`.
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import { TaskState, TaskType } from '../../proto/gen/muster/v1/task_pb.ts';
import type { TaskFilterSchema } from '../../proto/gen/muster/v1/task_service_pb.ts';
import type { ClientFlags } from './client-flags.ts';
import { enumValue } from './enums.ts';
import { parseList, parsePairs } from './pairs.ts';
import { parseTime } from './time.ts';

export interface RangeFlags extends ClientFlags {
  readonly since?: string;
  readonly until?: string;
}

export interface FilterFlags extends RangeFlags {
  readonly state?: string[];
  readonly type?: string[];
  readonly node?: string[];
  readonly creator?: string[];
  readonly label?: string[];
  readonly text?: string;
}

export type FilterInit = MessageInitShape<typeof TaskFilterSchema>;

/** Returns the filter that the flags ask for. @throws UsageFault for a value that cannot be read */
export function buildFilter(flags: FilterFlags, nowMs: number): FilterInit {
  const { createdFrom, createdUntil } = buildRange(flags, nowMs);
  return {
    states: parseList(flags.state).map((name) =>
      enumValue(TaskState, 'TASK_STATE_', name, '--state'),
    ),
    types: parseList(flags.type).map((name) => enumValue(TaskType, 'TASK_TYPE_', name, '--type')),
    nodeIds: parseList(flags.node),
    creators: parseList(flags.creator),
    labels: parsePairs(flags.label, '--label'),
    text: flags.text ?? '',
    ...(createdFrom === undefined ? {} : { createdFrom }),
    ...(createdUntil === undefined ? {} : { createdUntil }),
  };
}

/** Returns the range of creation times that --since and --until give. */
export function buildRange(
  flags: RangeFlags,
  nowMs: number,
): { createdFrom?: Timestamp; createdUntil?: Timestamp } {
  const { since, until } = flags;
  const at = (text: string, flag: string) => timestampFromMs(parseTime(text, flag, 'past', nowMs));
  return {
    ...(since === undefined ? {} : { createdFrom: at(since, '--since') }),
    ...(until === undefined ? {} : { createdUntil: at(until, '--until') }),
  };
}
