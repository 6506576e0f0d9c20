/**
 * The specs of the tasks that benchmarks create.
 */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import {
  Interpreter,
  type TargetSchema,
  type TaskSpec,
  TaskSpecSchema,
} from '../proto/gen/muster/v1/task_pb.ts';

/** A script for any node. */
export function scriptSpec(body: string, interpreter: Interpreter = Interpreter.SH): TaskSpec {
  return create(TaskSpecSchema, {
    target: { kind: { case: 'any', value: {} } },
    action: { case: 'script', value: { program: { case: 'body', value: body }, interpreter } },
  });
}

/** A script that an agent whose attempts all fail tries again and again: each attempt is four transitions. */
export function retriedSpec(options: {
  readonly name: string;
  readonly kind: NonNullable<MessageInitShape<typeof TargetSchema>['kind']>;
  readonly maxAttempts: number;
  /** Longest wait between two attempts; it is half of that on average. */
  readonly retryMs: number;
  /** Of a fan-out. */
  readonly maxParallel?: number;
}): TaskSpec {
  const { name, kind, maxAttempts, retryMs, maxParallel } = options;
  const wait = durationFromMs(retryMs);
  return create(TaskSpecSchema, {
    name,
    target: { kind },
    policy: { maxAttempts, retryInitial: wait, retryMax: wait },
    action: { case: 'script', value: { program: { case: 'body', value: 'exit 1' } } },
    ...(maxParallel === undefined ? {} : { fanOut: { maxParallel: String(maxParallel) } }),
  });
}

/** A program without a shell, for any node. */
export function argvSpec(...words: string[]): TaskSpec {
  return create(TaskSpecSchema, {
    target: { kind: { case: 'any', value: {} } },
    action: { case: 'script', value: { program: { case: 'argv', value: { words } } } },
  });
}

/** A call of a handler, on any node. */
export function handlerSpec(handler: string, input: unknown): TaskSpec {
  const value = { handler, inputJson: JSON.stringify(input) };
  return create(TaskSpecSchema, {
    target: { kind: { case: 'any', value: {} } },
    action: { case: 'handler', value },
  });
}
