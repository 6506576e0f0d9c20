/**
 * The 200 mixed tasks of the whole-process tests: each says where it runs, what it does and how it must end.
 *
 * Every attempt appends its number to `<folder>/<name>` before anything else, so that a second start of an attempt is visible.
 */
import { fromJson } from '@bufbuild/protobuf';
import type { TaskSpec } from '../proto/gen/muster/v1/task_pb.ts';
import { TaskSpecSchema, TaskState } from '../proto/gen/muster/v1/task_pb.ts';

export interface MixedTask {
  readonly name: string;
  readonly spec: TaskSpec;
  readonly expected: TaskState;
  /** Attempts that must have been started when nothing goes wrong. */
  readonly attempts: number;
  readonly exitCode?: number;
  /** Exactly this on the stdout of the last attempt. */
  readonly stdout?: Uint8Array;
  /** To be cancelled once it runs. */
  readonly isCancelled?: boolean;
}

const OUTPUT_BYTES = 5 * 1024 * 1024;

/** @param folder where attempts leave their lines */
export function mixedTasks(count: number, nodeIds: readonly string[], folder: string): MixedTask[] {
  return Array.from({ length: count }, (_, index) => mixedTask(index, nodeIds, folder));
}

function mixedTask(index: number, nodeIds: readonly string[], folder: string): MixedTask {
  const name = `task-${index}`;
  // Two of three are bound to a node, the others go anywhere.
  const nodeId = nodeIds[index % nodeIds.length] as string;
  const target = index % 3 === 2 ? { any: {} } : { nodeId };
  const script = (body: string, policy: Record<string, string | number> = {}) => ({
    name,
    spec: fromJson(TaskSpecSchema, {
      name,
      target,
      policy: { stopGrace: '1s', ...policy },
      script: { body: `echo "$MUSTER_ATTEMPT" >> '${folder}/${name}'\n${body}` },
    }),
  });
  const completed = { expected: TaskState.COMPLETED, attempts: 1, exitCode: 0 };
  const text = (value: string) => new TextEncoder().encode(value);
  switch (index % 10) {
    case 0:
      return { ...script('exit 7'), expected: TaskState.FAILED, attempts: 1, exitCode: 7 };
    case 1:
      return {
        ...script('sleep 600 & sleep 600', { timeout: '1s' }),
        expected: TaskState.TIMEOUT,
        attempts: 1,
      };
    case 2:
      return {
        ...script("trap '' TERM; sleep 600 & sleep 600; sleep 600"),
        expected: TaskState.CANCELLED,
        attempts: 1,
        isCancelled: true,
      };
    case 3:
      return {
        ...script('[ "$MUSTER_ATTEMPT" -ge 3 ] && echo third', {
          maxAttempts: 3,
          retryInitial: '0.05s',
        }),
        ...completed,
        attempts: 3,
        stdout: text('third\n'),
      };
    case 4:
      // Five megabytes are heavy: two of two hundred.
      return index % 100 === 4
        ? {
            ...script(`head -c ${OUTPUT_BYTES} /dev/zero | tr '\\0' x`),
            ...completed,
            stdout: new Uint8Array(OUTPUT_BYTES).fill(120),
          }
        : {
            ...script('for i in 0 1 2 3 4; do echo "line $i"; sleep 0.2; done'),
            ...completed,
            stdout: text('line 0\nline 1\nline 2\nline 3\nline 4\n'),
          };
    case 5:
      return {
        ...script("printf '\\000\\377\\200\\n\\r\\001'"),
        ...completed,
        stdout: new Uint8Array([0, 255, 128, 10, 13, 1]),
      };
    default:
      return {
        ...script(`echo "out ${index}"; echo "err ${index}" >&2`),
        ...completed,
        stdout: text(`out ${index}\n`),
      };
  }
}
