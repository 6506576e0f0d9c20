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
/** A client on Deno loses what it has not yet read of an answer when the end of the connection follows at once. */
const LINGER_MS = 100;

export class Connections {
  readonly #clock: Clock;
  readonly #sockets = new Set<Socket>();
  /** Open streams of each HTTP/2 session. */
  readonly #sessions = new Map<ServerHttp2Session, number>();
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
    this.#sessions.set(session, 0);
    const peer = peerOf(session.socket);
    this.#add(peer, 1);
    let idle = this.#closeWhenIdle(session);
    session.on('stream', (stream) => {
      this.#sessions.set(session, (this.#sessions.get(session) ?? 0) + 1);
      idle.cancel();
      // A reset of one stream is an error that nobody else may listen for.
      stream.on('error', () => {});
      stream.once('close', () => {
        const left = (this.#sessions.get(session) ?? 1) - 1;
        if (!this.#sessions.has(session)) return;
        this.#sessions.set(session, left);
        if (left === 0) idle = this.#closeWhenIdle(session);
      });
    });
    session.on('error', () => {});
    session.once('close', () => {
      idle.cancel();
      this.#sessions.delete(session);
      this.#add(peer, -1);
    });
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
    // Told of the end, a client on Deno gives up calls that could still finish; so others are told after their last call.
    for (const [session, streams] of this.#sessions) if (streams === 0) session.close();
    for (const socket of this.#sockets) {
      if (!this.#underWay.has(peerOf(socket))) socket.destroySoon();
    }
    if (this.#sockets.size > 0) await Promise.race([empty, sleep(this.#clock, graceMs)]);
    for (const socket of this.#sockets) socket.destroy();
  }

  #add(peer: string, change: number): number {
    const left = (this.#underWay.get(peer) ?? 0) + change;
    if (left > 0) this.#underWay.set(peer, left);
    else this.#underWay.delete(peer);
    return left;
  }

  #closeWhenIdle(session: ServerHttp2Session): Timer {
    const afterMs = this.#isDraining ? LINGER_MS : IDLE_SESSION_MS;
    return this.#clock.after(afterMs, () => session.close());
  }
}

function peerOf(socket: Pick<Socket, 'remoteAddress' | 'remotePort'>): string {
  return `${socket.remoteAddress}:${socket.remotePort}`;
}
