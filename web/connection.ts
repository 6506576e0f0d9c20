/**
 * The way to the supervisor: one transport, its clients, and errors as sentences.
 *
 * Calls carry the session cookie, which the browser adds; a call that is refused for lack of it leads to the log-in.
 */
import { Code, ConnectError, createClient, type Interceptor } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-web';
import { GroupService } from '../proto/gen/muster/v1/group_service_pb.ts';
import { LiveService } from '../proto/gen/muster/v1/live_service_pb.ts';
import { MachineService } from '../proto/gen/muster/v1/machine_service_pb.ts';
import { NodeService } from '../proto/gen/muster/v1/node_service_pb.ts';
import { ScheduleService } from '../proto/gen/muster/v1/schedule_service_pb.ts';
import { TaskService } from '../proto/gen/muster/v1/task_service_pb.ts';

let onLoggedOut: () => void = () => {};

/** Has `listener` called when the session is over. */
export function whenLoggedOut(listener: () => void): void {
  onLoggedOut = listener;
}

/** Whoever logs out leaves nothing on the screen, in no tab. */
const otherTabs = new BroadcastChannel('muster.session');
otherTabs.onmessage = () => onLoggedOut();

const watchSession: Interceptor = (next) => async (request) => {
  try {
    return await next(request);
  } catch (error) {
    if (ConnectError.from(error).code === Code.Unauthenticated) onLoggedOut();
    throw error;
  }
};

export const transport = createConnectTransport({
  baseUrl: location.origin,
  useBinaryFormat: true,
  interceptors: [watchSession],
});

export const tasks = createClient(TaskService, transport);
export const nodes = createClient(NodeService, transport);
export const groups = createClient(GroupService, transport);
export const schedules = createClient(ScheduleService, transport);
export const machines = createClient(MachineService, transport);
export const live = createClient(LiveService, transport);

/** Returns what went wrong as a sentence for people. */
export function explain(error: unknown): string {
  const { code, rawMessage } = ConnectError.from(error);
  if (code === Code.Unknown && /fetch|network/i.test(rawMessage)) {
    return 'The supervisor cannot be reached';
  }
  return rawMessage;
}

/** Logs in; returns null, or why not. */
export async function logIn(token: string): Promise<string | null> {
  const response = await fetch('/console/login', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  }).catch(() => null);
  if (response === null) return 'The supervisor cannot be reached';
  if (response.ok) return null;
  const body = (await response.json().catch(() => null)) as { message?: string } | null;
  return body?.message ?? `The supervisor has answered ${response.status}`;
}

export async function logOut(): Promise<void> {
  await fetch('/console/logout', { method: 'POST' }).catch(() => null);
  onLoggedOut();
  otherTabs.postMessage('logged out');
}

/** Tells whether this browser is logged in; null when nobody answers. */
export async function readSession(): Promise<boolean | null> {
  const response = await fetch('/console/session').catch(() => null);
  return response === null ? null : response.ok;
}
