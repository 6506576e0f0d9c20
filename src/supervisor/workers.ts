/**
 * What can be asked about workers: the part of the supervisor that ListWorkers and OperateWorker speak to.
 */
import { readNodes } from '../../db/nodes.ts';
import { notify } from '../../db/notify.ts';
import type { WorkerFilter, WorkerKey, WorkerOperation, WorkerRecord } from '../../db/workers.ts';
import { listWorkers, operateWorker } from '../../db/workers.ts';
import { closeNames } from '../../machines/close-names.ts';
import { MusterError } from '../../machines/errors.ts';
import type { Logger } from '../process/log.ts';
import { encodeNews } from './news.ts';
import type { Store } from './store.ts';
import type { WorkerBook } from './worker-book.ts';

export interface Workers {
  /** By node and name. @throws MusterError `unknown_node` */
  list(filter: WorkerFilter, limit: number, after: WorkerKey | null): Promise<WorkerRecord[]>;
  /**
   * Asks something of a worker. The wish is stored when this resolves, and carried out as soon as its agent is connected.
   *
   * @throws MusterError `unknown_node`, `unknown_worker`
   */
  operate(key: WorkerKey, operation: WorkerOperation): Promise<WorkerRecord>;
  /**
   * Has `listener` called after what its agent has told is stored, where its session is here, and after something was asked of its workers,
   * wherever that was.
   */
  onChange(nodeId: string, listener: () => void): () => void;
}

export interface WorkerActionsOptions {
  readonly store: Store;
  readonly book: WorkerBook;
  readonly log: Logger;
  readonly supervisorId: string;
  readonly deadAfterMs: number;
}

/** More than any node has. */
const ALL = 10_000;

export function createWorkerActions(options: WorkerActionsOptions): Workers {
  const { store, book, log, supervisorId, deadAfterMs } = options;
  const read = (filter: WorkerFilter, limit: number, after: WorkerKey | null) =>
    store.read((sql) => listWorkers(sql, filter, limit, after, deadAfterMs));
  const requireNode = async (nodeId: string) => {
    const [node] = await store.read((sql) => readNodes(sql, [nodeId], deadAfterMs));
    if (node === undefined) throw new MusterError('unknown_node', `Node ${nodeId} is unknown`);
  };
  return {
    async list(filter, limit, after) {
      const records = await read(filter, limit, after);
      if (records.length === 0 && filter.nodeId !== undefined) await requireNode(filter.nodeId);
      return records;
    },
    onChange: (nodeId, listener) => book.onChange(nodeId, listener),
    async operate(key, operation) {
      const { nodeId, name } = key;
      const isKnown = await store.read((sql) => operateWorker(sql, key, operation));
      const workers = await read({ nodeId }, ALL, null);
      const record = workers.find((one) => one.name === name);
      if (!isKnown || record === undefined) {
        await requireNode(nodeId);
        throw unknownWorker(key, operation, workers);
      }
      try {
        await book.operated([nodeId]);
        const news = { from: supervisorId, taskIds: [], queuedFor: [], sessions: [] };
        await store.read((sql) => notify(sql, encodeNews({ ...news, operated: [nodeId] })));
      } catch (error) {
        // Stored it is; the sweep of the session's supervisor sends it.
        log.warn('an operation waits for the next sweep', { nodeId, worker: name, error });
      }
      return record;
    },
  };
}

function unknownWorker(
  { nodeId, name }: WorkerKey,
  operation: WorkerOperation,
  workers: readonly WorkerRecord[],
): MusterError {
  const names = workers.map((one) => one.name);
  const [close] = closeNames(name, names);
  const some = names.slice(0, 10).join(', ');
  const hint =
    names.length === 0
      ? 'its agent has told of none'
      : close === undefined
        ? `it has ${some}${names.length > 10 ? ' …' : ''}`
        : `did you mean ${close}?`;
  return new MusterError(
    'unknown_worker',
    `Cannot ${operation} the worker: node ${nodeId} has no worker ${name}; ${hint}`,
  );
}
