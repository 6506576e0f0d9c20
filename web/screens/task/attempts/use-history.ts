/** The history and the attempts of a task, read again with each of its versions. */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { Attempt, Task, Transition } from '../../../../proto/gen/muster/v1/task_pb.ts';
import { tasks } from '../../../connection.ts';
import type { Step } from './phases.ts';

const PAGE_SIZE = 1_000;

export interface History {
  readonly steps: readonly Step[];
  readonly attempts: readonly Attempt[];
  /** It has been deleted because of its age. */
  readonly isExpired: boolean;
  /** Of a later version than the task that is shown: somebody looks back. */
  readonly isPast: boolean;
}

/** The history up to the version of the task that is given. */
export function useHistory({ id, version }: Task) {
  return useQuery({
    queryKey: ['attempts', id, version],
    placeholderData: keepPreviousData,
    queryFn: async (): Promise<History> => {
      const [{ task }, { transitions, isExpired }] = await Promise.all([
        tasks.getTask({ id }),
        readTransitions(id),
      ]);
      const shown = transitions.filter((one) => one.version <= version);
      return {
        steps: shown.map(stepOf),
        attempts: task?.attempts ?? [],
        isExpired,
        isPast: shown.length < transitions.length,
      };
    },
  });
}

async function readTransitions(id: string) {
  const transitions: Transition[] = [];
  for (;;) {
    const page = await tasks.getTaskHistory({
      id,
      afterVersion: transitions.at(-1)?.version ?? 0,
      pageSize: PAGE_SIZE,
    });
    transitions.push(...page.transitions);
    if (!page.hasMore || page.transitions.length === 0) {
      return { transitions, isExpired: page.expired };
    }
  }
}

function stepOf({ eventType, toState, at, attempt, event }: Transition): Step {
  const nodeId = event?.['nodeId'];
  const isDispatch = eventType === 'attempt.dispatched' && typeof nodeId === 'string';
  return {
    eventType,
    toState,
    at: at === undefined ? 0 : timestampMs(at),
    attempt,
    nodeId: isDispatch ? nodeId : '',
  };
}
