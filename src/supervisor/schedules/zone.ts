/**
 * Wall-clock times of a time zone and the instants they stand for, from the zone data of the runtime.
 *
 * A wall-clock time is written as the instant at which a clock in UTC shows it. Called by the calendar only.
 */

const DAY_MS = 86_400_000;

export interface Zone {
  readonly name: string;
  /** How far the zone's clocks are ahead of UTC at an instant, in ms. */
  offsetAt(instant: number): number;
}

const zones = new Map<string, Zone>();

/** Returns null for a name that the runtime does not know. */
export function findZone(name: string): Zone | null {
  const known = zones.get(name);
  if (known !== undefined) return known;
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
  const zone = { name, offsetAt: (instant: number) => readOffset(format, instant) };
  zones.set(name, zone);
  return zone;
}

function readOffset(format: Intl.DateTimeFormat, instant: number): number {
  const whole = Math.floor(instant / 1000) * 1000;
  const fields: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(whole)) fields[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = fields;
  return Date.UTC(year, month - 1, day, hour, minute, second) - whole;
}

/** Returns the first instant at which the zone's clocks show `wall`; the end of the gap if they never do. */
export function resolveWall(zone: Zone, wall: number): number {
  const before = zone.offsetAt(wall - DAY_MS);
  const after = zone.offsetAt(wall + DAY_MS);
  // The larger offset gives the earlier instant.
  for (const offset of before > after ? [before, after] : [after, before]) {
    if (zone.offsetAt(wall - offset) === offset) return wall - offset;
  }
  return findChange(zone, wall - DAY_MS - before, wall + DAY_MS - after);
}

/** Returns the instant at which the offset changes between two instants with different offsets. */
export function findChange(zone: Zone, from: number, until: number): number {
  const old = zone.offsetAt(from);
  let low = from;
  let high = until;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (zone.offsetAt(middle) === old) low = middle;
    else high = middle;
  }
  return high;
}
