/**
 * The smaller form in which a file of the console goes over the wire.
 *
 * A file is compressed once, when it is read (assets.ts). Brotli would save four per cent more, and take 50 MiB to make.
 */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

export type Bytes = Uint8Array<ArrayBuffer>;

/** Compresses a file; null where that does not make it smaller. */
export async function compress(content: Bytes): Promise<Bytes | null> {
  const compressed = new Uint8Array(await promisify(gzip)(content));
  return compressed.length < content.length ? compressed : null;
}

/** Tells whether gzip is taken, by an Accept-Encoding header (RFC 9110, 12.5.3), and liked no less than the content as it is. */
export function takesGzip(accepted: string): boolean {
  const weights = readWeights(accepted);
  const weight = weights.get('gzip') ?? weights.get('*') ?? 0;
  return weight > 0 && weight >= (weights.get('identity') ?? 0);
}

/** For example `gzip, br;q=0.5` is gzip 1 and br 0.5. What makes no sense weighs nothing. */
function readWeights(accepted: string): ReadonlyMap<string, number> {
  const weights = new Map<string, number>();
  for (const item of accepted.toLowerCase().split(',')) {
    const [name = '', ...parameters] = item.split(';').map((part) => part.trim());
    const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? '1';
    if (name !== '') weights.set(name, /^[01](\.\d{0,3})?$/.test(weight) ? Number(weight) : 0);
  }
  return weights;
}
