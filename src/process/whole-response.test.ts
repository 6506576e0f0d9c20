// The body of a response, whenever it is read and however large it is; over a real connection.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type ClientHttp2Session, type ClientHttp2Stream, connect, createServer } from 'node:http2';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { wholeResponse } from './whole-response.ts';

const SIZES: Readonly<Record<string, number>> = { '/small': 5, '/large': 4_000_000, '/none': 0 };

const server = createServer();
let session: ClientHttp2Session;

beforeEach(async () => {
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    stream.respond({ ':status': 200 });
    if (headers[':path'] === '/cut') {
      stream.write('some', () => stream.session?.destroy());
      return;
    }
    const size = SIZES[String(headers[':path'])] ?? 0;
    for (let at = 0; at < size; at += 16_384) {
      stream.write(Buffer.alloc(Math.min(16_384, size - at), at % 251));
    }
    stream.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});

afterEach(async () => {
  session.destroy();
  server.removeAllListeners('stream');
  await new Promise((resolve) => server.close(resolve));
});

async function request(path: string): Promise<ClientHttp2Stream> {
  const stream = wholeResponse(session.request({ ':path': path }));
  stream.end();
  await once(stream, 'response');
  return stream;
}

async function sizeOf(stream: ClientHttp2Stream): Promise<number> {
  let size = 0;
  for await (const chunk of stream) size += (chunk as Buffer).length;
  return size;
}

it('is read after its end has arrived', async () => {
  const first = await request('/small');
  // Frames come in their order: when this is over, the end of the first has come.
  expect(await sizeOf(await request('/none'))).toBe(0);
  expect(await sizeOf(first)).toBe(5);
});

it('is read whole when it is large', async () => {
  const large = await request('/large');
  await sizeOf(await request('/none'));
  expect(await sizeOf(large)).toBe(4_000_000);
});

it('that is cut off is an error', async () => {
  const cut = await request('/cut');
  await expect(sizeOf(cut)).rejects.toThrow();
});
