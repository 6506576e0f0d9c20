/**
 * Finds text that no part of Muster can hold: a NUL byte, or half of a surrogate pair.
 *
 * Looked for in every string of every request, map keys included, before any rule of a field: Postgres refuses both, and a
 * process could be given neither.
 */

/** Where the text stands, in the words of the API, and what is wrong with it. */
export interface UnsafeText {
  readonly path: string;
  readonly fault: string;
}

/** Returns the first such text of a message, or null. */
export function findUnsafeText(message: object): UnsafeText | null {
  // Nearly every message is clean, so paths are made in a second pass only.
  return isUnsafe(message) ? search(message, '') : null;
}

function isUnsafe(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\0') || !value.isWellFormed();
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return false;
  if (Array.isArray(value)) return value.some(isUnsafe);
  const isMap = !('$typeName' in value);
  for (const key in value) {
    if ((isMap && isUnsafe(key)) || isUnsafe((value as Record<string, unknown>)[key])) return true;
  }
  return false;
}

function search(value: unknown, path: string): UnsafeText | null {
  if (typeof value === 'string') {
    const fault = faultOf(value);
    return fault === null ? null : { path, fault };
  }
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return null;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) {
      const found = search(value[index], `${path}[${index}]`);
      if (found !== null) return found;
    }
    return null;
  }
  return searchObject(value as Record<string, unknown>, path);
}

/** Messages, the two-field objects of a oneof, and maps all are plain objects. */
function searchObject(value: Record<string, unknown>, path: string): UnsafeText | null {
  const isMessage = '$typeName' in value;
  const isOneof = !isMessage && 'value' in value && typeof value['case'] === 'string';
  for (const key in value) {
    if (key === '$typeName' || key === '$unknown') continue;
    const at = isMessage
      ? joined(path, key, value[key])
      : isOneof && key === 'value'
        ? joined(path, String(value['case']), null)
        : `${path}[${JSON.stringify(key)}]`;
    const fault = isMessage ? null : faultOf(key);
    const found = fault === null ? search(value[key], at) : { path: `a key of ${path}`, fault };
    if (found !== null) return found;
  }
  return null;
}

/** The name of a oneof does not occur in paths; the field that is set does. */
function joined(path: string, key: string, value: unknown): string {
  if (typeof value === 'object' && value !== null && 'case' in value && 'value' in value) {
    return path;
  }
  const name = key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return path === '' ? name : `${path}.${name}`;
}

function faultOf(text: string): string | null {
  const nul = text.indexOf('\0');
  if (nul >= 0) return `contains a NUL byte at position ${nul}; it may contain any other character`;
  if (text.isWellFormed()) return null;
  return 'contains half of a surrogate pair; it must be valid Unicode';
}
