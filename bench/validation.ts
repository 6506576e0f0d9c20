/**
 * What it costs to check 1,000 good specs in one call against the constraints of the proto: processor time of this process, in which
 * nothing else happens.
 */
import { create } from '@bufbuild/protobuf';
import { CreateTasksRequestSchema } from '../proto/gen/muster/v1/task_service_pb.ts';
import { validate } from '../src/rpc/validation.ts';
import { median, Report } from './report.ts';

const SPECS = 1_000;
const ROUNDS = 40;
/** Rounds until the code is compiled. */
const WARM_UP = 20;

export async function run(): Promise<void> {
  const report = new Report('validation', '');
  const specs = Array.from({ length: SPECS }, (_, number) => ({
    name: `task ${number}`,
    target: { kind: { case: 'nodeId' as const, value: 'node-1' } },
    policy: { timeout: { seconds: 30n }, maxAttempts: 3 },
    labels: { app: 'x', 'example.com/tier': 'y' },
    action: {
      case: 'script' as const,
      value: {
        program: { case: 'body' as const, value: `echo ${'x'.repeat(200)}` },
        env: { A: '1', B: '2' },
        args: ['a', 'b'],
      },
    },
  }));
  const message = create(CreateTasksRequestSchema, { specs });
  const times: number[] = [];
  for (let round = 0; round < WARM_UP + ROUNDS; round += 1) {
    const before = process.cpuUsage();
    validate(CreateTasksRequestSchema, message, 'create the tasks');
    const { user, system } = process.cpuUsage(before);
    if (round >= WARM_UP) times.push((user + system) / 1000);
  }
  report.figure(`processor time of checking ${SPECS} specs`, median(times), 'ms', 'at most 50');
}
