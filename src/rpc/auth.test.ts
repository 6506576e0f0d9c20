// Who may call what (I11): every method with every kind of token, in memory and over HTTP.

import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { Code, type ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Health } from '../../proto/gen/grpc/health/v1/health_pb.ts';
import { AgentService } from '../../proto/gen/muster/v1/agent_service_pb.ts';
import { FileService } from '../../proto/gen/muster/v1/file_service_pb.ts';
import { GroupService } from '../../proto/gen/muster/v1/group_service_pb.ts';
import { LiveService } from '../../proto/gen/muster/v1/live_service_pb.ts';
import { MachineService } from '../../proto/gen/muster/v1/machine_service_pb.ts';
import { NodeService } from '../../proto/gen/muster/v1/node_service_pb.ts';
import { ScheduleService } from '../../proto/gen/muster/v1/schedule_service_pb.ts';
import { TaskService } from '../../proto/gen/muster/v1/task_service_pb.ts';
import { startTestServer, type TestServer } from '../http/testing/test-server.ts';
import { createLogger } from '../process/log.ts';
import { actionOf } from './actions.ts';
import { createIdentify, makeNodeToken } from './auth.ts';
import { kindOf } from './library-errors.ts';
import { StubSupervisor } from './testing/stub-supervisor.ts';
import { bearer, openInMemory, TOKENS, WAYS } from '../http/testing/transports.ts';

const nodeToken = makeNodeToken(TOKENS.agent, 'node-1');
const otherNodeToken = makeNodeToken(TOKENS.agent, 'node-2');
const forged = makeNodeToken('another agent token', 'node-1');

const GIVEN: Readonly<Record<string, string | null>> = {
  none: null,
  empty: '',
  short: 'x',
  wrong: 'another-token-of-nobody',
  'user with a letter more': `${TOKENS.user}x`,
  forged,
  'node without a name': makeNodeToken(TOKENS.agent, ''),
  user: TOKENS.user,
  agent: TOKENS.agent,
  node: nodeToken,
};

const METHODS = [
  TaskService,
  NodeService,
  GroupService,
  ScheduleService,
  FileService,
  MachineService,
  LiveService,
  AgentService,
  Health,
].flatMap((service) => service.methods.map((method) => ({ service, method })));

function expected(service: DescService, method: DescMethod, given: string): 'allowed' | Code {
  if (service.typeName === Health.typeName) return 'allowed';
  const needed =
    service.typeName === AgentService.typeName
      ? method.name === 'Enroll'
        ? 'agent'
        : 'node'
      : 'user';
  if (given === needed) return 'allowed';
  return ['user', 'agent', 'node'].includes(given) ? Code.PermissionDenied : Code.Unauthenticated;
}

describe.each(['in memory', 'gRPC over HTTP/2', 'Connect over HTTP/2'])('%s', (name) => {
  const stub = new StubSupervisor();
  let server: TestServer | null = null;
  const lines: string[] = [];

  beforeAll(async () => {
    if (name === 'in memory') return;
    const log = createLogger('test', 'debug', (line) => lines.push(line));
    server = await startTestServer({ supervisor: stub, tokens: TOKENS, log });
  });
  afterAll(async () => {
    await server?.close(0);
  });
  const open = (token: string | null): Transport =>
    server === null
      ? openInMemory(stub, token)
      : (WAYS.find((way) => way.name === name)?.open(server.url, [bearer(token)]) as Transport);

  it.each(Object.keys(GIVEN))('I11: every method with the token: %s', async (given) => {
    const transport = open(GIVEN[given] ?? null);
    for (const { service, method } of METHODS) {
      const before = stub.calls.length;
      const outcome = expected(service, method, given);
      const isHeard = outcome === 'allowed' && method.methodKind !== 'unary';
      const error = await callWithNothing(transport, service, method, isHeard);
      const label = `${service.typeName}/${method.name} with ${given}`;
      if (outcome === 'allowed') {
        expect([Code.Unauthenticated, Code.PermissionDenied], label).not.toContain(error?.code);
        continue;
      }
      expect(error?.code, label).toBe(outcome);
      expect(stub.calls.length, label).toBe(before);
      expect(error?.rawMessage, label).toContain(`Cannot ${actionOf(method.name)}: `);
      const kind = outcome === Code.Unauthenticated ? 'unauthenticated' : 'permission_denied';
      expect(error && kindOf(error), label).toBe(kind);
    }
  });

  it('opens a session only for the node of the token', async () => {
    for (const [token, isAllowed] of [
      [nodeToken, true],
      [otherNodeToken, false],
    ] as const) {
      const done = new AbortController();
      const client = createClient(AgentService, open(token));
      const hello = { nodeId: 'node-1', bootId: 'b', protocolVersions: [1], slots: 1 };
      const requests = (async function* () {
        yield { message: { case: 'hello' as const, value: hello } };
        await new Promise((resolve) => done.signal.addEventListener('abort', resolve));
      })();
      const before = stub.open.length;
      const answers = client.session(requests, { signal: done.signal })[Symbol.asyncIterator]();
      const first = await answers.next().catch((error: unknown) => error as ConnectError);
      done.abort();
      if (isAllowed) {
        expect(first).toMatchObject({ value: { message: { case: 'welcome' } } });
      } else {
        expect(first).toMatchObject({
          code: Code.PermissionDenied,
          rawMessage:
            'Cannot hold the session: Hello names node node-1, and the token is that of node node-2; enroll node-1 first',
        });
        expect(stub.open.length).toBe(before);
      }
    }
  });

  it('enrolls a node with a token that opens its sessions', async () => {
    const answer = await createClient(AgentService, open(TOKENS.agent)).enroll({
      nodeId: 'rack-1.host_7',
    });
    const identify = createIdentify(TOKENS);
    expect(identify(`Bearer ${answer.nodeToken}`)).toEqual({
      kind: 'node',
      nodeId: 'rack-1.host_7',
    });
  });

  it('logs a refusal with peer and method, and never a token', () => {
    if (server === null) return;
    const refusals = lines.filter((line) => line.includes('call refused'));
    expect(refusals.length).toBeGreaterThan(100);
    expect(refusals[0]).toMatch(/method=muster\.v1\.\w+\/\w+ peer=127\.0\.0\.1:\d+/);
    const secrets = Object.values(GIVEN).filter((token) => token !== null && token.length > 3);
    for (const line of lines) for (const one of secrets) expect(line).not.toContain(one);
  });
});

it('takes the scheme in any case, and nothing else', () => {
  const identify = createIdentify(TOKENS);
  expect(identify(`bearer ${TOKENS.user}`)).toEqual({ kind: 'user' });
  expect(identify(`Basic ${TOKENS.user}`)).toBeNull();
  expect(identify(TOKENS.user)).toBeNull();
  expect(identify(`Bearer ${TOKENS.user} x`)).toBeNull();
});

it('has words for every method', () => {
  for (const { method } of METHODS) expect(actionOf(method.name)).not.toContain(method.name);
});

/** Calls a method with an empty message; returns the error, if any. */
async function callWithNothing(
  transport: Transport,
  service: DescService,
  method: DescMethod,
  isHeard: boolean,
): Promise<ConnectError | null> {
  const client = createClient(service, transport) as unknown as Record<
    string,
    (request: unknown, options: { signal: AbortSignal }) => unknown
  >;
  const leaving = new AbortController();
  const request = method.methodKind === 'bidi_streaming' ? (async function* () {})() : {};
  // Streams of a caller who is let in say nothing here until the caller leaves.
  const timer = isHeard ? setTimeout(() => leaving.abort(), 200) : undefined;
  try {
    const call = client[method.localName]?.(request, { signal: leaving.signal });
    if (method.methodKind === 'unary') await call;
    else for await (const _ of call as AsyncIterable<unknown>) leaving.abort();
    return null;
  } catch (error) {
    return error as ConnectError;
  } finally {
    clearTimeout(timer);
  }
}
