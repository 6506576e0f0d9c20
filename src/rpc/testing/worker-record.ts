/**
 * A worker as the stub supervisor has it.
 */
import type { WorkerRecord } from '../../supervisor/supervisor.ts';

export const NOW = Date.UTC(2026, 10, 23, 12);

export function workerRecord(name: string): WorkerRecord {
  return {
    nodeId: 'a',
    name,
    kind: 'slot',
    state: 'idle',
    since: NOW,
    taskId: null,
    attempt: 0,
    failures: 0,
    nextStartAt: null,
    pid: null,
    why: '',
    command: '',
    keepPolicy: null,
    asked: null,
    operatedSeq: 0,
    pending: null,
    isConnected: true,
  };
}
