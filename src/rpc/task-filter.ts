/**
 * From a TaskFilter to the filter of the supervisor.
 *
 * An empty list or text is no condition. Called by task-service.ts after validation.
 */
import { MusterError } from '../../machines/errors.ts';
import { type TaskState, type TaskType } from '../../proto/gen/muster/v1/task_pb.ts';
import type { TaskFilter as FilterMessage } from '../../proto/gen/muster/v1/task_service_pb.ts';
import type {
  TaskFilter,
  TaskState as StateName,
  TaskType as TypeName,
} from '../supervisor/supervisor.ts';
import { STATES, TYPES } from './task-messages.ts';
import { msOfTimestamp } from './times.ts';

/**
 * @param action completes the sentence `Cannot …`
 * @throws MusterError `invalid_argument`
 */
export function filterOf(message: FilterMessage | undefined, action: string): TaskFilter {
  if (message === undefined) return {};
  const createdFrom = msOfTimestamp(message.createdFrom, 'filter.created_from', action);
  const createdUntil = msOfTimestamp(message.createdUntil, 'filter.created_until', action);
  const refuse = (fault: string): never => {
    throw new MusterError('invalid_argument', `Cannot ${action}: filter.${fault}`);
  };
  return {
    ...some('states', named(STATES, message.states, 'states', refuse) satisfies StateName[]),
    ...some('types', named(TYPES, message.types, 'types', refuse) satisfies TypeName[]),
    ...some('nodeIds', message.nodeIds),
    ...some('creators', message.creators),
    ...some(
      'ids',
      message.ids.map((id) => id.toLowerCase()),
    ),
    ...(message.parentId === '' ? {} : { parentId: message.parentId.toLowerCase() }),
    ...(message.topLevel ? { isTopLevel: true } : {}),
    ...(message.scheduleId === '' ? {} : { scheduleId: message.scheduleId.toLowerCase() }),
    ...(message.text === '' ? {} : { text: message.text }),
    ...(message.idPrefix === '' ? {} : { idPrefix: message.idPrefix }),
    ...(Object.keys(message.labels).length === 0 ? {} : { labels: message.labels }),
    ...(createdFrom === null ? {} : { createdFrom }),
    ...(createdUntil === null ? {} : { createdUntil }),
  };
}

function some<K extends string, T>(key: K, values: readonly T[]): { [_ in K]?: readonly T[] } {
  return values.length === 0 ? {} : ({ [key]: values } as { [_ in K]?: readonly T[] });
}

/** Turns enum values into the words of the domain. */
function named<Name extends string>(
  names: Readonly<Record<Name, TaskState | TaskType>>,
  values: readonly (TaskState | TaskType)[],
  field: string,
  refuse: (fault: string) => never,
): Name[] {
  const entries = Object.entries(names) as [Name, number][];
  return values.map(
    (value, index) =>
      entries.find(([, number]) => number === value)?.[0] ??
      refuse(`${field}[${index}] is unspecified; leave it out to get all`),
  );
}
