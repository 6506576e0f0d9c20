/**
 * What a connection gets whose bytes are no HTTP request, or not one in time: one sentence, and its end.
 */
import type { Duplex } from 'node:stream';

const STATUS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

const SENTENCE: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: 'Cannot read the request: its headers are larger than 16 KiB',
  ERR_HTTP_REQUEST_TIMEOUT: 'Cannot read the request: it did not arrive in time',
};

/** Answers and closes. Handles `clientError` of HTTP/1.1 servers. */
export function answerUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const code = error.code ?? '';
  const status = STATUS[code] ?? '400 Bad Request';
  const message =
    SENTENCE[code] ?? 'Cannot read the request: this port speaks HTTP/1.1 and HTTP/2 without TLS';
  const body = JSON.stringify({ message });
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}
