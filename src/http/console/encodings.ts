/**
 * The forms in which a file of the console goes over the wire: as it is, gzip, Brotli.
 *
 * A file is compressed once, when it is read (assets.ts); routes.ts asks for each request which form the other side takes. Levels
 * are moderate, so that a whole build takes some 80 ms of processor time at the start; higher ones save a further 2 % at most.
 */
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

const GZIP_LEVEL = 6;
const BROTLI_QUALITY = 5;

/** From the smallest result to the largest; what the other side likes equally is chosen in this order. */
const ENCODINGS = ['br', 'gzip'] as const;
export type Encoding = (typeof ENCODINGS)[number];

export type Bytes = Uint8Array<ArrayBuffer>;
/** The compressed forms of a file; empty where none is smaller than the file. */
export type Encoded = ReadonlyMap<Encoding, Bytes>;

const compressors: Readonly<Record<Encoding, (content: Bytes) => Promise<Uint8Array>>> = {
  br(content) {
    const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_SIZE_HINT } = constants;
    const params = {
      [BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
      [BROTLI_PARAM_SIZE_HINT]: content.length,
    };
    return promisify(brotliCompress)(content, { params });
  },
  gzip: (content) => promisify(gzip)(content, { level: GZIP_LEVEL }),
};

/** Compresses a file in each way that makes it smaller. */
export async function compress(content: Bytes): Promise<Encoded> {
  const forms = await Promise.all(
    ENCODINGS.map(
      async (name) => [name, new Uint8Array(await compressors[name](content))] as const,
    ),
  );
  return new Map(forms.filter(([, bytes]) => bytes.length < content.length));
}

/**
 * Returns the encoding to answer in, by an Accept-Encoding header (RFC 9110, 12.5.3); null for none.
 *
 * The content as it is always serves: a header that forbids even that is not heeded, as the RFC allows.
 */
export function chooseEncoding(accepted: string, encoded: Encoded): Encoding | null {
  const weights = readWeights(accepted);
  const weightOf = (name: string) => weights.get(name) ?? weights.get('*') ?? 0;
  let best: Encoding | null = null;
  for (const name of ENCODINGS) {
    const weight = weightOf(name);
    if (!encoded.has(name) || weight === 0) continue;
    if (best === null || weight > weightOf(best)) best = name;
  }
  const plain = weights.get('identity') ?? 0;
  return best !== null && plain > weightOf(best) ? null : best;
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
