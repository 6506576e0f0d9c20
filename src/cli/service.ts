/**
 * `muster service …`: operates a unit of a host as a task, and shows it as `muster run` does.
 */
import { ServiceOperation } from '../../proto/gen/muster/v1/service_action_pb.ts';
import { UsageFault } from './fault.ts';
import { runSpec } from './run.ts';
import { type TaskFlags, taskSpec } from './run-spec.ts';
import { selectionOf } from './selection-flags.ts';

const OPERATIONS = {
  start: ServiceOperation.START,
  stop: ServiceOperation.STOP,
  restart: ServiceOperation.RESTART,
  status: ServiceOperation.STATUS,
  enable: ServiceOperation.ENABLE,
  disable: ServiceOperation.DISABLE,
} as const;

/** What can be done to a unit. */
export type Verb = keyof typeof OPERATIONS;

/** Creates the task and follows it; returns the exit code of systemctl. */
export async function operateService(verb: Verb, unit: string, flags: TaskFlags): Promise<number> {
  if (flags.node === undefined && selectionOf(flags) === null) {
    throw new UsageFault('say where: --node for one host, or -n, -l, -g or --all for many');
  }
  const value = { unit, operation: OPERATIONS[verb] };
  const spec = { ...taskSpec(flags, Date.now()), action: { case: 'service' as const, value } };
  return await runSpec(spec, flags, 'answer');
}
