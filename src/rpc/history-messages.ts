/**
 * Histories as messages: committed transitions, late reports, and the changes that watchers are told of.
 */
import { create, type JsonObject } from '@bufbuild/protobuf';
import {
  type LateReport,
  LateReportSchema,
  TaskSchema,
  type Transition,
  TransitionSchema,
} from '../../proto/gen/muster/v1/task_pb.ts';
import {
  type WatchTasksResponse,
  WatchTasksResponseSchema,
} from '../../proto/gen/muster/v1/task_service_pb.ts';
import type {
  ActorStep,
  LateReportRecord,
  TaskChange,
  TransitionRecord,
} from '../supervisor/supervisor.ts';
import { taskInProgress } from './task-messages.ts';
import { timestampOf } from './times.ts';

export function transitionOf(record: TransitionRecord): Transition {
  return create(TransitionSchema, {
    version: record.version,
    eventType: record.event.type,
    event: record.event as unknown as JsonObject,
    fromState: record.fromPath,
    toState: record.toPath,
    at: timestampOf(record.at),
    supervisorId: record.supervisorId,
    attempt: record.attempt,
  });
}

/** A step of a schedule or a node. */
export function actorTransitionOf(record: ActorStep['transition']): Transition {
  return create(TransitionSchema, {
    version: record.version,
    eventType: record.event.type,
    event: record.event as unknown as JsonObject,
    fromState: record.fromPath,
    toState: record.toPath,
    at: timestampOf(record.at),
    supervisorId: record.supervisorId,
  });
}

export function lateReportOf(record: LateReportRecord): LateReport {
  return create(LateReportSchema, {
    attempt: record.attempt,
    eventType: record.event.type,
    event: record.event as unknown as JsonObject,
    why: record.why,
    at: timestampOf(record.at),
  });
}

/** Of a deleted task only the id is told. */
export function changeOf(change: TaskChange): WatchTasksResponse {
  if (change.isDeleted) {
    const task = create(TaskSchema, { id: change.record.id });
    return create(WatchTasksResponseSchema, { task, deleted: true });
  }
  const response = create(WatchTasksResponseSchema, {
    task: taskInProgress(change.record, change.progress),
  });
  if (change.transition !== null) response.transition = transitionOf(change.transition);
  return response;
}
