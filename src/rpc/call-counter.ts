/**
 * Counts calls by method and outcome, for /metrics.
 */
import { Code, ConnectError, type Interceptor } from '@connectrpc/connect';
import { type StreamEnd, WatchedStream } from './watched-stream.ts';

/** One line of the count. `code` is `ok` or the name of the Connect code, in lower case. */
export interface CallCount {
  readonly method: string;
  readonly code: string;
  readonly count: number;
}

export class CallCounter {
  readonly #counts = new Map<string, { method: string; code: string; count: number }>();

  /** Counts every call that its interceptor sees; refused ones never get that far. */
  readonly interceptor: Interceptor = (next) => async (request) => {
    const method = `${request.service.typeName}/${request.method.name}`;
    try {
      const response = await next(request);
      if (response.stream) return { ...response, message: this.#counted(method, response.message) };
      this.count(method, 'ok');
      return response;
    } catch (thrown) {
      this.count(method, codeOf(thrown));
      throw thrown;
    }
  };

  count(method: string, code: string): void {
    const key = `${method} ${code}`;
    const entry = this.#counts.get(key);
    if (entry === undefined) this.#counts.set(key, { method, code, count: 1 });
    else entry.count += 1;
  }

  read(): readonly CallCount[] {
    return [...this.#counts.values()];
  }

  #counted<T>(method: string, messages: AsyncIterable<T>): AsyncIterable<T> {
    return new WatchedStream(messages, { onEnd: (end) => this.count(method, codeAt(end)) });
  }
}

function codeAt(end: StreamEnd): string {
  if (end.kind === 'failed') return codeOf(end.thrown);
  return end.kind === 'left' ? 'canceled' : 'ok';
}

function codeOf(thrown: unknown): string {
  const name = Code[ConnectError.from(thrown).code];
  return name.replace(/(?<=.)[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
}
