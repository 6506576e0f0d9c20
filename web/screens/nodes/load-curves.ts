/** Measurements of a host as curves, and what they say in words. Pure. */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { HostMetrics } from '../../../proto/gen/muster/v1/node_metrics_pb.ts';
import { shareOf } from './node-filter.ts';

export interface LoadCurves {
  /** Seconds since 1970. */
  readonly times: readonly number[];
  /** Per cent. */
  readonly cpu: readonly (number | null)[];
  readonly memory: readonly (number | null)[];
  readonly disk: readonly (number | null)[];
  readonly load1: readonly (number | null)[];
  readonly load5: readonly (number | null)[];
  readonly load15: readonly (number | null)[];
}

/** One a minute is kept: where more time is between two, nothing was measured. */
const GAP_SECONDS = 150;

/** Breaks the curves where nothing was measured, by a point without values. */
export function curvesOf(points: readonly HostMetrics[]): LoadCurves {
  const rows: (readonly [number, HostMetrics | null])[] = [];
  for (const point of points) {
    if (point.at === undefined) continue;
    const seconds = Math.round(timestampMs(point.at) / 1000);
    const former = rows.at(-1)?.[0];
    if (former !== undefined && seconds - former > GAP_SECONDS) rows.push([former + 60, null]);
    rows.push([seconds, point]);
  }
  const curve = (read: (point: HostMetrics) => number | null) =>
    rows.map(([, point]) => (point === null ? null : read(point)));
  return {
    times: rows.map(([seconds]) => seconds),
    cpu: curve(({ cpuShare }) => percent(cpuShare)),
    memory: curve((point) => percent(shareOf(point.memoryUsedBytes, point.memoryTotalBytes))),
    disk: curve((point) => percent(shareOf(point.diskUsedBytes, point.diskTotalBytes))),
    load1: curve(({ load1 }) => load1),
    load5: curve(({ load5 }) => load5),
    load15: curve(({ load15 }) => load15),
  };
}

function percent(share: number | null): number | null {
  return share === null ? null : Math.round(share * 1000) / 10;
}

/** For example: CPU 12 % at last, 4 % to 80 %. */
export function inWords(name: string, values: readonly (number | null)[], unit: string): string {
  const known = values.filter((value) => value !== null);
  const last = known.at(-1);
  if (last === undefined) return `${name} is not known`;
  const text = (value: number) => `${Math.round(value * 10) / 10}${unit}`;
  return `${name} ${text(last)} at last, ${text(Math.min(...known))} to ${text(Math.max(...known))}`;
}
