/**
 * A TCP proxy between a supervisor and Postgres, for tests that lose a connection at a chosen moment.
 *
 * What the client sends passes, until a request contains `marker`; then the connection is lost once, in one of several ways. Or
 * all connections fall silent: they stay open, and nothing passes.
 */
import { createConnection, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';

/**
 * `before`: the request never arrives. `after`: it is carried out, and the answer is lost. `during`: it arrives, and the
 * client's side is cut at once, while the server goes on with it. `silently`: it arrives, and nothing passes from then on, while the
 * connection stays open.
 */
export type CutMoment = 'before' | 'after' | 'during' | 'silently';

export class DatabaseProxy {
  readonly #server: Server;
  readonly #target: URL;
  readonly #sockets = new Set<Socket>();
  #port = 0;
  #cut: { marker: string; moment: CutMoment; done: () => void } | null = null;
  #isRefusing = false;
  #isSilent = false;
  /** Raised to silence all connections that are open. */
  #generation = 0;

  private constructor(target: URL) {
    this.#target = target;
    this.#server = createServer((client) => this.#carry(client));
  }

  static async open(url: string): Promise<DatabaseProxy> {
    const proxy = new DatabaseProxy(new URL(url));
    await new Promise<void>((resolve) => {
      proxy.#server.listen(0, '127.0.0.1', resolve);
    });
    const address = proxy.#server.address();
    proxy.#port = typeof address === 'object' && address !== null ? address.port : 0;
    return proxy;
  }

  get url(): string {
    const url = new URL(this.#target.href);
    url.hostname = '127.0.0.1';
    url.port = String(this.#port);
    return url.href;
  }

  /** Cuts the connection of the next request that contains `marker`. Resolves when that has happened. */
  cutNext(marker: string, moment: CutMoment): Promise<void> {
    return new Promise((resolve) => {
      this.#cut = { marker, moment, done: resolve };
    });
  }

  /** Loses every connection and takes no new one. */
  refuse(): void {
    this.#isRefusing = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Connections that are open stay so, and nothing passes on them ever again; with `isAll` nor on new ones until `allow`. */
  silence({ isAll }: { isAll: boolean }): void {
    this.#generation += 1;
    this.#isSilent = isAll;
  }

  allow(): void {
    this.#isRefusing = false;
    if (this.#isSilent) this.silence({ isAll: false });
  }

  async close(): Promise<void> {
    this.refuse();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #carry(client: Socket): void {
    this.#keep(client);
    if (this.#isRefusing) return void client.destroy();
    const upstream = createConnection({
      host: this.#target.hostname,
      port: Number(this.#target.port),
    });
    this.#keep(upstream);
    const generation = this.#generation;
    let isAnswerLost = false;
    let isCutOff = false;
    const isSilent = () => isCutOff || this.#isSilent || generation < this.#generation;
    client.on('data', (request) => {
      if (isSilent()) return;
      const cut = this.#cut;
      if (cut === null || !request.includes(cut.marker)) return void upstream.write(request);
      this.#cut = null;
      if (cut.moment === 'before') {
        upstream.destroy();
        client.destroy();
      } else {
        upstream.write(request);
        isCutOff = cut.moment === 'silently';
        isAnswerLost = !isCutOff;
        if (cut.moment === 'during') client.destroy();
      }
      cut.done();
    });
    upstream.on('data', (answer) => {
      if (isSilent()) return;
      if (isAnswerLost) client.destroy();
      else client.write(answer);
    });
    // A server that goes on must not see that its client is gone.
    client.on('close', () => !isAnswerLost && upstream.destroy());
    upstream.on('close', () => client.destroy());
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
  }
}
