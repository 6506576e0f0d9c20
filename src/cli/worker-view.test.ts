// The state of a worker in words, also of one whose node is away.
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { WorkerKind, WorkerSchema, WorkerState } from '../../proto/gen/muster/v1/worker_pb.ts';
import { workerRow, workerState } from './worker-view.ts';

function worker(init: MessageInitShape<typeof WorkerSchema>) {
  return create(WorkerSchema, { nodeId: 'web-1', name: 'exporter', ...init });
}

test.each([
  [WorkerKind.KEPT, 'running'],
  [WorkerKind.SLOT, 'busy'],
])('a worker of kind %j that is at work has one word for it, heard now or last', (kind, word) => {
  const state = WorkerState.BUSY;
  expect(workerState(worker({ kind, state, connected: true }))).toBe(word);
  const away = worker({ kind, state, connected: false });
  expect(workerState(away)).toBe('unknown');
  expect(workerRow(away, 0).at(-1)).toBe(`last heard: ${word}`);
});
