/**
 * The methods of NodeService that show workers and operate them.
 */
import { create } from '@bufbuild/protobuf';
import type { ServiceImpl } from '@connectrpc/connect';
import { MusterError } from '../../machines/errors.ts';
import {
  ListWorkersRequestSchema,
  type NodeService,
} from '../../proto/gen/muster/v1/node_service_pb.ts';
import type { Workers } from '../supervisor/workers.ts';
import { actionOf } from './actions.ts';
import { filterDigest, makePageToken, readPageToken } from './page-token.ts';
import { operationOf, workerOf, workerStatesOf } from './worker-messages.ts';

const DEFAULT_PAGE_SIZE = 50;
const WORKER_KEY = /^([^/]{1,63})\/(.{1,64})$/s;

type WorkerMethods = Pick<ServiceImpl<typeof NodeService>, 'listWorkers' | 'operateWorker'>;

export function workerMethods(workers: Workers): WorkerMethods {
  return {
    async listWorkers({ nodeId, states, pageSize = DEFAULT_PAGE_SIZE, pageToken }) {
      const conditions = create(ListWorkersRequestSchema, { nodeId, states });
      const digest = filterDigest(ListWorkersRequestSchema, conditions);
      const last = readPageToken(pageToken, digest, WORKER_KEY, actionOf('ListWorkers'));
      const [, lastNode = '', lastName = ''] = WORKER_KEY.exec(last ?? '') ?? [];
      const after = last === null ? null : { nodeId: lastNode, name: lastName };
      const names = workerStatesOf(states);
      const filter = {
        ...(nodeId === '' ? {} : { nodeId }),
        ...(names.length === 0 ? {} : { states: names }),
      };
      const records = await workers.list(filter, pageSize + 1, after);
      const page = records.slice(0, pageSize);
      const end = page.at(-1);
      const hasMore = records.length > pageSize && end !== undefined;
      const nextPageToken = hasMore ? makePageToken(digest, `${end.nodeId}/${end.name}`) : '';
      return { workers: page.map(workerOf), nextPageToken };
    },
    async operateWorker({ nodeId, worker: name, operation }) {
      const wish = operationOf(operation);
      if (wish === null) {
        throw new MusterError(
          'invalid_argument',
          `Cannot operate the worker: operation is missing`,
        );
      }
      return { worker: workerOf(await workers.operate({ nodeId, name }, wish)) };
    },
  };
}
