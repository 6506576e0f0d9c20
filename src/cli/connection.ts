/**
 * The connection of a command to its supervisor: HTTP/2, one token, errors turned into sentences.
 *
 * `withConnection` wraps the work of every client command. A call that has failed leaves it as a CliFault that says what is the
 * case and what would do; nothing of Connect reaches the user.
 */
import { readFileSync } from 'node:fs';
import type { Client, ConnectError, Interceptor } from '@connectrpc/connect';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { FileService } from '../../proto/gen/muster/v1/file_service_pb.ts';
import { GroupService } from '../../proto/gen/muster/v1/group_service_pb.ts';
import { LiveService } from '../../proto/gen/muster/v1/live_service_pb.ts';
import { MachineService } from '../../proto/gen/muster/v1/machine_service_pb.ts';
import { NodeService } from '../../proto/gen/muster/v1/node_service_pb.ts';
import { ScheduleService } from '../../proto/gen/muster/v1/schedule_service_pb.ts';
import { TaskService } from '../../proto/gen/muster/v1/task_service_pb.ts';
import { asConnectError, explainError, isUsage } from './explain.ts';
import { CliFault, UsageFault } from './fault.ts';
import type { Endpoint, EndpointFlags } from './home.ts';
import { findEndpoint } from './home.ts';
import { SessionManager } from './session-manager.ts';

/** The clients of one supervisor. */
export interface Connection {
  readonly url: string;
  readonly tasks: Client<typeof TaskService>;
  readonly nodes: Client<typeof NodeService>;
  readonly groups: Client<typeof GroupService>;
  readonly schedules: Client<typeof ScheduleService>;
  readonly files: Client<typeof FileService>;
  readonly machines: Client<typeof MachineService>;
  readonly live: Client<typeof LiveService>;
  /** Returns an error of a call as a sentence. */
  explain(error: ConnectError): string;
}

/** Options of every call that answers at once: a supervisor that hangs is not waited for. */
export const unary = { timeoutMs: 30_000 } as const;

/**
 * Calls `act` with a connection, and turns the error of a failed call into a fault.
 *
 * @throws CliFault when a call fails, a UsageFault where the supervisor refuses what was given; or when no supervisor or token is known
 */
export async function withConnection<Result>(
  flags: EndpointFlags,
  act: (connection: Connection) => Promise<Result>,
): Promise<Result> {
  const endpoint = findEndpoint(flags, process.env, process.cwd());
  const connection = openConnection(endpoint, process.env['MUSTER_CA_FILE']);
  try {
    return await act(connection);
  } catch (error) {
    const failure = asConnectError(error);
    if (failure === undefined) throw error;
    const Fault = isUsage(failure) ? UsageFault : CliFault;
    throw new Fault(connection.explain(failure), { cause: error });
  }
}

function openConnection(endpoint: Endpoint, caFile: string | undefined): Connection {
  const authorize: Interceptor = (next) => (request) => {
    request.header.set('Authorization', `Bearer ${endpoint.token}`);
    return next(request);
  };
  const transport = createConnectTransport({
    baseUrl: endpoint.url,
    httpVersion: '2',
    interceptors: [authorize],
    sessionManager: new SessionManager(endpoint.url, caFile ? { ca: readCa(caFile) } : {}),
  });
  return {
    url: endpoint.url,
    tasks: createClient(TaskService, transport),
    nodes: createClient(NodeService, transport),
    groups: createClient(GroupService, transport),
    schedules: createClient(ScheduleService, transport),
    files: createClient(FileService, transport),
    machines: createClient(MachineService, transport),
    live: createClient(LiveService, transport),
    explain: (error) => explainError(error, endpoint),
  };
}

function readCa(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new CliFault(`cannot read MUSTER_CA_FILE: ${(error as Error).message}`, { cause: error });
  }
}
