/**
 * Task ids: UUIDs of version 7 (RFC 9562), which sort by the time they were made.
 *
 * The time is the one that the task is created at, so that an id range is a time range. Within one millisecond a counter in
 * the 12 bits of rand_a keeps the order; the rest is random.
 */

export interface IdSource {
  /** @param at ms since 1970 */
  next(at: number): string;
}

/** @param randomBytes returns that many random bytes */
export function createIdSource(randomBytes: (count: number) => Uint8Array): IdSource {
  let last = 0;
  let counter = 0;
  return {
    next(at) {
      if (at > last) {
        last = at;
        counter = 0;
      } else {
        counter += 1;
        // 4,096 ids in one millisecond: borrow from the next.
        if (counter > 0xfff) {
          last += 1;
          counter = 0;
        }
      }
      const time = last.toString(16).padStart(12, '0');
      const tail = [...randomBytes(8)];
      tail[0] = ((tail[0] as number) & 0x3f) | 0x80;
      const hex = tail.map((byte) => byte.toString(16).padStart(2, '0')).join('');
      const sequence = counter.toString(16).padStart(3, '0');
      return `${time.slice(0, 8)}-${time.slice(8)}-7${sequence}-${hex.slice(0, 4)}-${hex.slice(4)}`;
    },
  };
}
