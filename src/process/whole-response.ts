/**
 * The body of an HTTP/2 response, wholly read.
 *
 * A stream whose other side has ended it may be destroyed before all that has arrived is read: on Deno at once, on Node when nobody
 * has begun to read. Its own iterator then says "Premature close" and gives the rest to nobody. Used by clients of connect-node.
 */
import type { ClientHttp2Stream } from 'node:http2';

/** Has the iterator of a stream give all that has arrived before it says how the stream has ended. Returns the stream. */
export function wholeResponse(stream: ClientHttp2Stream): ClientHttp2Stream {
  const { session } = stream;
  let failure: Error | null = null;
  let isOver = false;
  let wake = () => {};
  stream.on('readable', () => wake());
  stream.once('end', () => {
    isOver = true;
    wake();
  });
  stream.once('error', (error: Error) => {
    failure = error;
    wake();
  });
  stream.once('close', () => {
    // Its end may still wait behind what is not read yet; that of a lost connection never came.
    const isWhole = stream.rstCode === 0 && session?.destroyed === false;
    if (!isOver && !isWhole) failure ??= new Error('the stream was closed before its end');
    isOver = true;
    wake();
  });
  const read = async function* () {
    try {
      for (;;) {
        const arrived = new Promise<void>((resolve) => {
          wake = resolve;
        });
        const chunk: unknown = stream.read();
        if (chunk !== null) yield chunk;
        else if (failure !== null) throw failure;
        else if (isOver) return;
        else await arrived;
      }
    } finally {
      // Whoever stops reading is not sent anything more.
      if (!isOver) stream.destroy();
    }
  };
  return Object.assign(stream, { [Symbol.asyncIterator]: read });
}
