/** Values that the filter bar can offer: nodes and schedules as they are, labels, creators and names as they are seen in the list. */
import { useQuery } from '@connectrpc/connect-query';
import { useMemo } from 'react';
import {
  type ListNodesResponse,
  NodeService,
} from '../../../proto/gen/muster/v1/node_service_pb.ts';
import {
  type ListSchedulesResponse,
  ScheduleService,
} from '../../../proto/gen/muster/v1/schedule_service_pb.ts';
import type { KnownValues } from './completion.ts';
import type { TaskList } from './task-list.ts';

const FRESH_MS = 30_000;
/** Rows that are looked at. */
const MAX_LOOKED_AT = 200;

const NONE: ReadonlyMap<string, string> = new Map();

const FIRST_PAGE = { pageSize: 200 };

const namesOf = ({ schedules }: ListSchedulesResponse) =>
  new Map(schedules.map(({ id, spec }) => [spec?.name ?? id, id]));
const idsOf = ({ nodes }: ListNodesResponse) => nodes.map(({ id }) => id);

function useSchedules() {
  return useQuery(ScheduleService.method.listSchedules, FIRST_PAGE, {
    staleTime: FRESH_MS,
    select: namesOf,
  });
}

/** Ids of schedules by name. Ready at once where they are not needed. */
export function useScheduleIds(isNeeded: boolean) {
  const { data, isPending } = useSchedules();
  return { ids: data ?? NONE, isReady: !isNeeded || !isPending };
}

export function useKnownValues(list: TaskList): KnownValues {
  const scheduleIds = useSchedules().data ?? NONE;
  const { data: nodeIds = [] } = useQuery(NodeService.method.listNodes, FIRST_PAGE, {
    staleTime: FRESH_MS,
    select: idsOf,
  });
  // As of the rows that are there: few, and again only when there are others.
  return useMemo(() => {
    const labels = new Set<string>();
    const creators = new Set<string>();
    const names = new Set<string>();
    for (let row = 0; row < Math.min(list.count, MAX_LOOKED_AT); row += 1) {
      const task = list.at(row);
      if (task === null) continue;
      creators.add(task.creator);
      // One with a quotation mark cannot be typed whole.
      if (!task.name.includes('"')) names.add(task.name);
      for (const [key, value] of Object.entries(task.labels)) labels.add(`${key}=${value}`);
    }
    return {
      node: nodeIds,
      schedule: [...scheduleIds.keys()],
      label: [...labels].sort(),
      creator: [...creators].sort(),
      text: [...names].sort(),
    };
  }, [list, list.count, nodeIds, scheduleIds]);
}
