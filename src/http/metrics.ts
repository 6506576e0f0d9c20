/**
 * Metrics in the text format of Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/).
 */

/** One metric with its series. */
export interface Metric {
  /** With its unit at the end, and `_total` for a counter. */
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly series: readonly {
    readonly labels?: Readonly<Record<string, string>>;
    readonly value: number;
  }[];
}

export function showMetrics(metrics: readonly Metric[]): string {
  return metrics.map(showMetric).join('');
}

function showMetric({ name, help, type, series }: Metric): string {
  const lines = series.map(({ labels = {}, value }) => `${name}${showLabels(labels)} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

function showLabels(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([key, value]) => {
    const escaped = value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
    return `${key}="${escaped}"`;
  });
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

/** What can be told of this process. */
export function readProcessMetrics(
  calls: readonly { method: string; code: string; count: number }[],
  isServing: boolean,
): Metric[] {
  return [
    {
      name: 'muster_rpc_calls_total',
      help: 'Calls that have ended, by method and Connect code. Refused ones are not counted.',
      type: 'counter',
      series: calls.map(({ method, code, count }) => ({ labels: { method, code }, value: count })),
    },
    {
      name: 'muster_serving',
      help: '1 while calls can be served.',
      type: 'gauge',
      series: [{ value: isServing ? 1 : 0 }],
    },
    {
      name: 'process_resident_memory_bytes',
      help: 'Resident memory of the supervisor.',
      type: 'gauge',
      series: [{ value: process.memoryUsage().rss }],
    },
    {
      name: 'process_uptime_seconds',
      help: 'Time since the supervisor started.',
      type: 'gauge',
      series: [{ value: process.uptime() }],
    },
  ];
}
