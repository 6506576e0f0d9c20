// What requests get that are no messages: every answer is a sentence with a kind, as for any other mistake.

import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { StubSupervisor } from '../rpc/testing/stub-supervisor.ts';
import { startTestServer, type TestServer } from './testing/test-server.ts';
import { TOKENS } from './testing/transports.ts';

const stub = new StubSupervisor();
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ supervisor: stub, tokens: TOKENS });
});
afterAll(() => server.close(0));

const post = async (
  method: string,
  body: string | Uint8Array<ArrayBuffer>,
  type = 'application/json',
) => {
  const response = await fetch(`${server.url}/muster.v1.TaskService/${method}`, {
    method: 'POST',
    headers: { 'content-type': type, authorization: `Bearer ${TOKENS.user}` },
    body,
  });
  const text = await response.text();
  return [response.status, text === '' ? null : JSON.parse(text)] as const;
};
const spec = (fields: object) => JSON.stringify({ spec: { target: { any: {} }, ...fields } });
const detail = [expect.objectContaining({ type: 'muster.v1.ErrorDetail' })];

it.each([
  [
    'an unknown interpreter',
    spec({ script: { body: 'x', interpreter: 'INTERPRETER_FISH' } }),
    '"INTERPRETER_FISH" is not known here; it must be INTERPRETER_SH, INTERPRETER_BASH, INTERPRETER_PYTHON3, INTERPRETER_NODE or INTERPRETER_DENO',
  ],
  [
    'a misspelt field',
    spec({ script: { body: 'x', interpeter: 1 } }),
    'the message cannot be read: cannot decode message muster.v1.ScriptAction from JSON: key "interpeter" is unknown',
  ],
  [
    'half of a surrogate pair',
    String.raw`{"spec":{"target":{"any":{}},"script":{"body":"\ud800"}}}`,
    'the message cannot be read: cannot decode field muster.v1.ScriptAction.body from JSON: expected string: invalid UTF8',
  ],
  ['half a document', '{"spec": {', 'the message cannot be read: cannot decode message'],
  ['bytes that are no UTF-8', Buffer.from('7b2278223a22ff227d', 'hex'), 'the message cannot be'],
])('%s', async (_, body, sentence) => {
  const before = stub.calls.length;
  const [status, error] = await post('CreateTask', body);
  expect(status).toBe(400);
  expect(error).toMatchObject({ code: 'invalid_argument', details: detail });
  expect(error.message).toContain(`Cannot create the task: ${sentence}`);
  expect(stub.calls.length).toBe(before);
});

it('a message that is no message', async () => {
  const [status, error] = await post('CreateTask', Uint8Array.of(10, 255, 1), 'application/proto');
  expect(status).toBe(400);
  expect(error).toMatchObject({ code: 'invalid_argument', details: detail });
  expect(error.message).toMatch(/^Cannot create the task: the message cannot be read: /);
});

it('a wrong content type', async () => {
  const [status, error] = await post('CreateTask', 'x', 'text/plain');
  expect(status).toBe(415);
  expect(error).toEqual({
    message:
      'Cannot create the task: the content type is not one of application/json, application/proto, application/grpc or application/grpc-web',
  });
});

it('a GET for what changes something', async () => {
  const response = await fetch(`${server.url}/muster.v1.TaskService/CreateTask`);
  expect(response.status).toBe(405);
  expect(await response.json()).toEqual({
    message: 'Cannot create the task: HTTP GET does not do that; use POST',
  });
});

it('a small message that unpacks to 100 MB', async () => {
  const response = await fetch(`${server.url}/muster.v1.TaskService/CreateTask`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'content-encoding': 'gzip',
      authorization: `Bearer ${TOKENS.user}`,
    },
    body: gzipSync(Buffer.alloc(100_000_000, 97)),
  });
  expect(await response.json()).toMatchObject({
    code: 'resource_exhausted',
    message: 'Cannot create the task: the message is too large; it may have at most 4 MiB',
    details: detail,
  });
});

it('a method that is none', async () => {
  const [status, error] = await post('MakeCoffee', '{}');
  expect(status).toBe(404);
  expect(error.message).toContain('There is nothing at POST /muster.v1.TaskService/MakeCoffee');
});
