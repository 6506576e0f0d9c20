/**
 * grpc.health.v1.Health, as the gRPC health checking protocol defines it. Open without a token; says yes or no.
 */
import { Code, ConnectError, type ConnectRouter } from '@connectrpc/connect';
import {
  Health,
  HealthCheckResponse_ServingStatus as Status,
} from '../../proto/gen/grpc/health/v1/health_pb.ts';
import { AgentService } from '../../proto/gen/muster/v1/agent_service_pb.ts';
import { FileService } from '../../proto/gen/muster/v1/file_service_pb.ts';
import { GroupService } from '../../proto/gen/muster/v1/group_service_pb.ts';
import { LiveService } from '../../proto/gen/muster/v1/live_service_pb.ts';
import { MachineService } from '../../proto/gen/muster/v1/machine_service_pb.ts';
import { NodeService } from '../../proto/gen/muster/v1/node_service_pb.ts';
import { ScheduleService } from '../../proto/gen/muster/v1/schedule_service_pb.ts';
import { TaskService } from '../../proto/gen/muster/v1/task_service_pb.ts';
import { type Clock, sleep } from '../process/clock.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import { untilStopping } from './stopping.ts';

const WATCH_INTERVAL_MS = 1_000;
const SERVICES = new Set(
  [
    '',
    Health,
    TaskService,
    NodeService,
    GroupService,
    ScheduleService,
    FileService,
    MachineService,
    LiveService,
    AgentService,
  ].map(nameOf),
);

export function routeHealthService(
  router: ConnectRouter,
  supervisor: Pick<Supervisor, 'isServing'>,
  clock: Clock,
  stopping: AbortSignal,
): void {
  const statusOf = (service: string) => {
    if (!SERVICES.has(service)) return Status.SERVICE_UNKNOWN;
    return supervisor.isServing() && !stopping.aborted ? Status.SERVING : Status.NOT_SERVING;
  };
  router.service(Health, {
    check({ service }) {
      const status = statusOf(service);
      if (status !== Status.SERVICE_UNKNOWN) return { status };
      const known = [...SERVICES].filter((name) => name !== '').join(', ');
      throw new ConnectError(
        `Cannot check the health: there is no service ${JSON.stringify(service)}; there are ${known}`,
        Code.NotFound,
      );
    },
    async *watch({ service }, context) {
      const statuses = untilStopping(context.signal, stopping, async function* (signal) {
        for (let told: Status | null = null; ; ) {
          const status = statusOf(service);
          if (status !== told) yield status;
          told = status;
          if (signal.aborted) return;
          await sleep(clock, WATCH_INTERVAL_MS, signal);
        }
      });
      for await (const status of statuses) yield { status };
    },
  });
}

function nameOf(service: string | { readonly typeName: string }): string {
  return typeof service === 'string' ? service : service.typeName;
}
