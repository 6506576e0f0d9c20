/**
 * How arrays, big integers and bytes travel between JavaScript and Postgres.
 *
 * An array is written `${values}::text[]` in a statement; the cast tells postgres.js the type, and the type chooses the writer
 * here. Arrays are never read: statements answer with rows or with JSON.
 */
import type postgres from 'postgres';

const NULL = 'NULL';
const SPECIAL = /["\\]/;
const SPECIALS = /["\\]/g;

/** Numbers and UUIDs need no quotes. */
function writePlainArray(values: readonly (string | number | null)[]): string {
  let text = '{';
  for (let index = 0; index < values.length; index += 1) {
    text += (index === 0 ? '' : ',') + (values[index] ?? NULL);
  }
  return `${text}}`;
}

function writeTextArray(values: readonly (string | null)[]): string {
  let text = '{';
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index];
    text += (index === 0 ? '' : ',') + (value == null ? NULL : quote(value));
  }
  return `${text}}`;
}

function writeBytesArray(values: readonly Uint8Array[]): string {
  const texts = values.map((value) => `"\\\\x${hex(value)}"`);
  return `{${texts.join(',')}}`;
}

function quote(value: string): string {
  return SPECIAL.test(value) ? `"${value.replace(SPECIALS, '\\$&')}"` : `"${value}"`;
}

function hex(value: Uint8Array): string {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex');
}

function readBytes(text: string): Uint8Array {
  const buffer = Buffer.from(text.slice(2), 'hex');
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

const asText = (text: string) => text;

/** Writes JSON values as lines of one text, to be read with `string_to_array`: JSON has no raw line break. */
export function jsonLines(values: readonly unknown[]): string {
  return values.map((value) => JSON.stringify(value)).join('\n');
}

/** Bytes need their type said in words: postgres.js takes an array of them for bytes itself. */
export function bytesArray(
  sql: Pick<postgres.Sql, 'typed'>,
  values: readonly Uint8Array[],
): postgres.Parameter {
  return sql.typed(values as never, ARRAY_TYPES.bytesArray.to) as postgres.Parameter;
}

/** The `types` of postgres.js. The numbers are the OIDs of Postgres's own types, the same in every version. */
export const ARRAY_TYPES = {
  /** bigint: byte counts, exact up to 2^53. */
  bigint: { to: 20, from: [20], serialize: String, parse: Number },
  bytes: {
    to: 17,
    from: [17],
    serialize: (value: Uint8Array) => `\\x${hex(value)}`,
    parse: readBytes,
  },
  /** integer[], bigint[], double precision[], uuid[] */
  plainArray: {
    to: 1007,
    from: [1007, 1016, 1022, 2951],
    serialize: writePlainArray,
    parse: asText,
  },
  textArray: { to: 1009, from: [1009], serialize: writeTextArray, parse: asText },
  bytesArray: { to: 1001, from: [1001], serialize: writeBytesArray, parse: asText },
};
