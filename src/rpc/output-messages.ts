/**
 * Output of tasks and their statistics as messages.
 */
import { create } from '@bufbuild/protobuf';
import { OutputStream } from '../../proto/gen/muster/v1/task_pb.ts';
import {
  type ReadOutputResponse,
  ReadOutputResponseSchema,
  type TailOutputResponse,
  TailOutputResponseSchema,
} from '../../proto/gen/muster/v1/output_pb.ts';
import {
  type DurationSummary as SummaryMessage,
  DurationSummarySchema,
  type GetStatisticsResponse,
  GetStatisticsResponseSchema,
} from '../../proto/gen/muster/v1/statistics_pb.ts';
import type {
  DurationSummary,
  OutputItem,
  OutputRange,
  OutputStreamName,
  Statistics,
} from '../supervisor/supervisor.ts';
import { shownProgress, STATES, taskOf } from './task-messages.ts';
import { durationOf, timestampOf } from './times.ts';

export const STREAMS: Readonly<Record<OutputStreamName, OutputStream>> = {
  stdout: OutputStream.STDOUT,
  stderr: OutputStream.STDERR,
  result: OutputStream.RESULT,
};

/** Names a stream. An unknown value counts as stdout; validation lets none through. */
export function streamNameOf(stream: OutputStream): OutputStreamName {
  if (stream === OutputStream.RESULT) return 'result';
  return stream === OutputStream.STDERR ? 'stderr' : 'stdout';
}

export function outputRangeOf(range: OutputRange): ReadOutputResponse {
  return create(ReadOutputResponseSchema, {
    attempt: range.attempt,
    content: range.content,
    nextOffset: BigInt(range.nextOffset),
    end: range.isEnd,
    droppedBytes: BigInt(range.droppedBytes),
    expired: range.isExpired,
  });
}

export function outputItemOf(item: OutputItem): TailOutputResponse {
  switch (item.kind) {
    case 'chunk': {
      const { attempt, stream, offset, content, at } = item.piece;
      const value = {
        attempt,
        stream: STREAMS[stream],
        offset: BigInt(offset),
        content,
        at: timestampOf(at),
      };
      return create(TailOutputResponseSchema, { item: { case: 'chunk', value } });
    }
    case 'dropped': {
      const value = { attempt: item.attempt, bytes: BigInt(item.bytes) };
      return create(TailOutputResponseSchema, { item: { case: 'dropped', value } });
    }
    case 'expired': {
      const value = { attempt: item.attempt, bytes: BigInt(item.bytes) };
      return create(TailOutputResponseSchema, { item: { case: 'expired', value } });
    }
    case 'progress': {
      const { attempt } = item.progress;
      const value = { attempt, progress: shownProgress(item.progress) };
      return create(TailOutputResponseSchema, { item: { case: 'progress', value } });
    }
    case 'task':
      return create(TailOutputResponseSchema, {
        item: { case: 'task', value: taskOf(item.record) },
      });
  }
}

export function statisticsOf(statistics: Statistics): GetStatisticsResponse {
  const count = (entry: { name: string; count: number }) => ({
    name: entry.name,
    count: BigInt(entry.count),
  });
  return create(GetStatisticsResponseSchema, {
    ...(statistics.from === null ? {} : { createdFrom: timestampOf(statistics.from) }),
    ...(statistics.until === null ? {} : { createdUntil: timestampOf(statistics.until) }),
    total: BigInt(statistics.total),
    byState: statistics.byState.map((entry) => ({
      state: STATES[entry.state],
      substate: entry.substate,
      count: BigInt(entry.count),
    })),
    byType: statistics.byType.map(count),
    byNode: statistics.byNode.map(count),
    byHour: statistics.byHour.map((entry) => ({
      hour: timestampOf(entry.hour),
      created: BigInt(entry.created),
      completed: BigInt(entry.completed),
      failed: BigInt(entry.failed),
      waiting: summaryOf(entry.waiting),
      running: summaryOf(entry.running),
    })),
    waiting: summaryOf(statistics.waiting),
    running: summaryOf(statistics.running),
    oldestPending: statistics.oldestPending.map(({ at, oldestMs }) => ({
      at: timestampOf(at),
      oldest: durationOf(oldestMs),
    })),
  });
}

function summaryOf(summary: DurationSummary): SummaryMessage {
  return create(DurationSummarySchema, {
    count: BigInt(summary.count),
    p50: durationOf(summary.p50),
    p95: durationOf(summary.p95),
    max: durationOf(summary.max),
  });
}
