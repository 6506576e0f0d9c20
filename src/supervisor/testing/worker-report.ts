/**
 * What an agent in a test says of a worker.
 */
import type { AgentEvent, WorkerReport, WorkerState } from '../supervisor.ts';

/** A slot, or whatever `more` makes of it. */
export function workerReport(
  name: string,
  state: WorkerState = 'idle',
  more: Partial<WorkerReport> = {},
): WorkerReport {
  return {
    name,
    kind: 'slot',
    state,
    since: Date.UTC(2026, 0, 1),
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
    ...more,
  };
}

/** The same as an event of a session. */
export function workerChanged(...args: Parameters<typeof workerReport>): AgentEvent {
  return { kind: 'worker', report: workerReport(...args) };
}
