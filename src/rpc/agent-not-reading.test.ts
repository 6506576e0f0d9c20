// An agent that takes no commands: it loses its stream, and the supervisor no memory.

import { create, toBinary } from '@bufbuild/protobuf';
import { encodeEnvelope } from '@connectrpc/connect/protocol';
import http2 from 'node:http2';
import { afterEach, expect, it } from 'vitest';
import { SessionRequestSchema } from '../../proto/gen/muster/v1/agent_service_pb.ts';
import { startTestServer, type TestServer } from '../http/testing/test-server.ts';
import { TOKENS } from '../http/testing/transports.ts';
import { SimulatedClock } from '../process/clock.ts';
import { makeNodeToken } from './auth.ts';
import { HELLO, start } from './testing/session-agent.ts';
import { StubSupervisor } from './testing/stub-supervisor.ts';

const clock = new SimulatedClock();
const stub = new StubSupervisor();
let server: TestServer;
let connection: http2.ClientHttp2Session;

afterEach(async () => {
  connection.destroy();
  const closing = server.close(1_000);
  clock.advance(1_000);
  await closing;
});

it('is cut off when its goodbye cannot leave either', async () => {
  server = await startTestServer({ supervisor: stub, tokens: TOKENS, clock });
  connection = http2.connect(server.url);
  connection.on('error', () => {});
  const stream = connection.request({
    ':method': 'POST',
    ':path': '/muster.v1.AgentService/Session',
    'content-type': 'application/connect+proto',
    authorization: `Bearer ${makeNodeToken(TOKENS.agent, 'node-1')}`,
  });
  stream.on('error', () => {});
  const hello = create(SessionRequestSchema, { message: { case: 'hello', value: HELLO } });
  stream.write(encodeEnvelope(0, toBinary(SessionRequestSchema, hello)));
  await new Promise<void>((resolve) => {
    stub.onSession = () => (stub.open[0]?.isBegun === true ? resolve() : undefined);
  });

  const session = stub.open[0]!;
  const spec = { script: { body: 'x'.repeat(2 ** 20) } };
  const moment = () => new Promise((resolve) => setTimeout(resolve, 100));
  // The first fills the window of the stream, the others the queue behind it.
  session.link.send([{ ...start, spec }]);
  await moment();
  for (let count = 0; count < 70; count += 1) session.link.send([{ ...start, spec }]);
  await moment();
  expect(session.ended).toBeNull();

  const ended = new Promise<void>((resolve) => {
    stub.onSession = () => (session.ended === false ? resolve() : undefined);
  });
  clock.advance(5_000);
  await ended;
});
