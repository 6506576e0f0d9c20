/**
 * Page tokens of the lists: opaque to clients, and good for the filter they were given for only.
 *
 * A token is base64url of one version byte, eight bytes of a digest of the filter, and the last id of the page.
 */
import { createHash } from 'node:crypto';
import { type DescMessage, type MessageShape, toJson } from '@bufbuild/protobuf';
import { MusterError } from '../../machines/errors.ts';

const VERSION = 1;
const DIGEST_BYTES = 8;

/** Digests a filter so that the order of map entries does not matter. */
export function filterDigest<D extends DescMessage>(
  schema: D,
  filter: MessageShape<D> | undefined,
): Uint8Array {
  const json = filter === undefined ? {} : toJson(schema, filter);
  return createHash('sha256')
    .update(JSON.stringify(sorted(json)))
    .digest()
    .subarray(0, DIGEST_BYTES);
}

/** Makes the token of the page after the one that ends with `lastId`. */
export function makePageToken(digest: Uint8Array, lastId: string): string {
  return Buffer.concat([Buffer.of(VERSION), digest, Buffer.from(lastId)]).toString('base64url');
}

/**
 * Returns the last id of the page before, or null for the first page.
 *
 * @param idPattern what the ids of this list look like
 * @throws MusterError `invalid_argument` for a token that was not given by this list, or for another filter
 */
export function readPageToken(
  token: string,
  digest: Uint8Array,
  idPattern: RegExp,
  action: string,
): string | null {
  if (token === '') return null;
  const bytes = Buffer.from(token, 'base64url');
  const lastId = bytes.subarray(1 + DIGEST_BYTES).toString();
  if (bytes.toString('base64url') !== token || bytes[0] !== VERSION || !idPattern.test(lastId)) {
    throw new MusterError(
      'invalid_argument',
      `Cannot ${action}: page_token is none that this list gave; use the next_page_token of the page before, or none for the first page`,
    );
  }
  if (!bytes.subarray(1, 1 + DIGEST_BYTES).equals(digest)) {
    throw new MusterError(
      'invalid_argument',
      `Cannot ${action}: page_token belongs to another filter; use it with the filter it was given for, or none for the first page`,
    );
  }
  return lastId;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, sorted(inner)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
