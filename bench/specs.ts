/**
 * The specs of the tasks that benchmarks create.
 */
import { create } from '@bufbuild/protobuf';
import { Interpreter, type TaskSpec, TaskSpecSchema } from '../proto/gen/muster/v1/task_pb.ts';

/** A script for any node. */
export function scriptSpec(body: string, interpreter: Interpreter = Interpreter.SH): TaskSpec {
  return create(TaskSpecSchema, {
    target: { kind: { case: 'any', value: {} } },
    action: { case: 'script', value: { program: { case: 'body', value: body }, interpreter } },
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
