/** The live numbers of all machines, from where each is known. */
import { useQuery as useConnectQuery } from '@connectrpc/connect-query';
import { useQuery } from '@tanstack/react-query';
import { TaskState, TaskType } from '../../../proto/gen/muster/v1/task_pb.ts';
import { TaskService } from '../../../proto/gen/muster/v1/task_service_pb.ts';
import type { Worker } from '../../../proto/gen/muster/v1/worker_pb.ts';
import { nodes } from '../../connection.ts';
import { useLiveNodes, useLiveSchedules } from '../../live-collection.ts';
import type { Sources } from './state-counts.ts';

const REFRESH_MS = 2_000;
const PAGE_SIZE = 200;
/** Of more workers than fit on these pages none are counted: numbers of some would mislead. */
const MAX_WORKER_PAGES = 5;

const FAN_OUTS_AT_WORK = {
  filter: { types: [TaskType.FAN_OUT], states: [TaskState.PENDING, TaskState.RUNNING] },
  pageSize: PAGE_SIZE,
};

async function readWorkers(): Promise<Worker[] | null> {
  const all: Worker[] = [];
  let pageToken = '';
  for (let page = 0; page < MAX_WORKER_PAGES; page++) {
    const answer = await nodes.listWorkers({ pageSize: PAGE_SIZE, pageToken });
    all.push(...answer.workers);
    pageToken = answer.nextPageToken;
    if (pageToken === '') return all;
  }
  return null;
}

export function useCounts(): Sources {
  const refetchInterval = REFRESH_MS;
  const { data: statistics } = useConnectQuery(
    TaskService.method.getStatistics,
    {},
    { refetchInterval },
  );
  const { data: fanOuts } = useConnectQuery(TaskService.method.listTasks, FAN_OUTS_AT_WORK, {
    refetchInterval,
  });
  const workers = useQuery({ queryKey: ['all-workers'], queryFn: readWorkers, refetchInterval });
  return {
    byState: statistics?.byState ?? null,
    fanOuts: fanOuts?.tasks ?? null,
    nodes: useLiveNodes().items?.values().toArray() ?? null,
    schedules: useLiveSchedules().items?.values().toArray() ?? null,
    workers: workers.data ?? null,
  };
}
