/**
 * The open connections of the port: which are idle, and how all of them come to an end.
 *
 * An HTTP/2 connection without a call is closed after a while; HTTP/1.1 has its own keep-alive timeout. While draining, each
 * connection ends with its last call.
 */
import type { ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { type Clock, sleep, type Timer } from '../process/clock.ts';
import type { HttpRequest, HttpResponse } from './adapter.ts';

const IDLE_SESSION_MS = 120_000;

export class Connections {
  readonly #clock: Clock;
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Set<ServerHttp2Session>();
  /** Requests under way on HTTP/1.1 connections, and HTTP/2 sessions. By peer: TLS has two sockets for one. */
  readonly #underWay = new Map<string, number>();
  #isDraining = false;
  #onEmpty: (() => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  opened(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      if (this.#sockets.size === 0) this.#onEmpty?.();
    });
    // Each protocol has its own; this one is for the moments between them.
    socket.on('error', () => {});
  }

  openedSession(session: ServerHttp2Session): void {
    this.#sessions.add(session);
    const peer = peerOf(session.socket);
    this.#add(peer, 1);
    let streams = 0;
    let idle = this.#closeWhenIdle(session);
    session.on('stream', (stream) => {
      streams += 1;
      idle.cancel();
      // A reset of one stream is an error that nobody else may listen for.
      stream.on('error', () => {});
      stream.once('close', () => {
        streams -= 1;
        if (streams === 0) idle = this.#closeWhenIdle(session);
      });
    });
    session.on('error', () => {});
    session.once('close', () => {
      idle.cancel();
      this.#sessions.delete(session);
      this.#add(peer, -1);
    });
    if (this.#isDraining) session.close();
  }

  /** Counts a request until its answer is out or its connection gone. */
  began(request: HttpRequest, response: HttpResponse): void {
    if ('stream' in request) return;
    const { socket } = request;
    const peer = peerOf(socket);
    this.#add(peer, 1);
    if (this.#isDraining) response.setHeader('connection', 'close');
    response.once('close', () => {
      const left = this.#add(peer, -1);
      if (left === 0 && this.#isDraining) socket.destroySoon();
    });
  }

  /** Lets calls under way finish, up to `graceMs`, and ends everything else. */
  async drain(graceMs: number): Promise<void> {
    this.#isDraining = true;
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    for (const session of this.#sessions) session.close();
    for (const socket of this.#sockets) {
      if (!this.#underWay.has(peerOf(socket))) socket.destroySoon();
    }
    if (this.#sockets.size > 0) await Promise.race([empty, sleep(this.#clock, graceMs)]);
    for (const session of this.#sessions) session.destroy();
    for (const socket of this.#sockets) socket.destroy();
  }

  #add(peer: string, change: number): number {
    const left = (this.#underWay.get(peer) ?? 0) + change;
    if (left > 0) this.#underWay.set(peer, left);
    else this.#underWay.delete(peer);
    return left;
  }

  #closeWhenIdle(session: ServerHttp2Session): Timer {
    if (this.#isDraining) session.close();
    return this.#clock.after(IDLE_SESSION_MS, () => session.close());
  }
}

function peerOf(socket: Pick<Socket, 'remoteAddress' | 'remotePort'>): string {
  return `${socket.remoteAddress}:${socket.remotePort}`;
}
