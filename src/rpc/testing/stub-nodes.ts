/**
 * The nodes and workers of a StubSupervisor: always the same, whatever is asked of them.
 */
import { METRICS } from '../../supervisor/testing/host-metrics.ts';
import type { NodeRecord, Nodes } from '../../supervisor/supervisor.ts';
import type { Workers } from '../../supervisor/workers.ts';
import { NOW, workerRecord } from './worker-record.ts';

type Called = (name: string, ...args: unknown[]) => void;

/** @param called is told of each call, and throws where it is to fail */
export function stubNodes(called: Called): Nodes {
  return {
    list: async (filter, limit, after) => {
      called('listNodes', filter, limit, after);
      const all = ['a', 'b', 'c'].map(nodeRecord);
      return all.filter((one) => after === null || one.id > after).slice(0, limit);
    },
    resolve: async (selection) => {
      called('resolveNodes', selection);
      return { ids: ['a', 'b'], online: 1 };
    },
    get: async (id) => {
      called('getNode', id);
      return nodeRecord(id);
    },
    metrics: async (id, since, until) => {
      called('nodeMetrics', id, since, until);
      return [{ ...METRICS, at: NOW }];
    },
    updateLabels: async (id, change) => {
      called('updateNode', id, change);
      return { ...nodeRecord(id), labels: change.set, serverLabels: change.set };
    },
    drain: async (id, drain, caller) => {
      called('drainNode', id, drain, caller);
      return nodeRecord(id);
    },
    resume: async (id, caller) => {
      called('resumeNode', id, caller);
      return nodeRecord(id);
    },
    delete: async (id) => called('deleteNode', id),
    history: async (id, afterVersion, limit) => {
      called('nodeHistory', id, afterVersion, limit);
      return [];
    },
    verify: async (id) => {
      called('verifyNode', id);
      return [];
    },
  };
}

/** @param called is told of each call, and throws where it is to fail */
export function stubWorkers(called: Called): Workers {
  return {
    list: async (filter, limit, after) => {
      called('listWorkers', filter, limit, after);
      const all = ['slot-0', 'slot-1', 'slot-2'].map(workerRecord);
      return all.filter(({ name }) => after === null || name > after.name).slice(0, limit);
    },
    onChange: () => () => {},
    operate: async (key, operation) => {
      called('operateWorker', key, operation);
      return { ...workerRecord(key.name), pending: operation };
    },
  };
}

export function nodeRecord(id: string): NodeRecord {
  return {
    id,
    epoch: 3,
    bootId: 'boot',
    labels: { zone: 'a' },
    serverLabels: {},
    facts: { hostname: id, cores: 2, memoryBytes: '1024', madeUpLater: true },
    slots: 4,
    supervisorId: 'stub',
    createdAt: NOW,
    connectedAt: NOW,
    seenAt: NOW,
    leftAt: null,
    isAlive: true,
    active: 1,
    actor: null,
    metrics: null,
  };
}
