/**
 * How long it takes from CreateTask until the process runs, and from a line that a script writes until a client has it.
 *
 * One machine, one clock: the script prints bash's EPOCHREALTIME, which needs no process of its own, as its first command, and this
 * process reads the same clock right before the call and on arrival. So the start-up of the interpreter counts as well.
 * Tasks go one at a time through a real supervisor and a real agent that have nothing else to do.
 */
import { Interpreter, OutputStream } from '../proto/gen/muster/v1/task_pb.ts';
import { BenchMuster } from './muster.ts';
import { percentile, Report } from './report.ts';
import { scriptSpec } from './specs.ts';

const WARM_UP_TASKS = 50;
const TASKS = 500;
const LINES = 300;
/** Between two lines, ms: not in step with anything. */
const SPACING = 'sleep 0.0$((RANDOM % 50 + 20))';

const NOW = 'echo $EPOCHREALTIME';
const LINES_SCRIPT = `for i in $(seq ${LINES}); do ${NOW}; ${SPACING}; done`;

export async function run(): Promise<void> {
  const muster = await BenchMuster.start();
  try {
    const report = new Report('latency', muster.database.version);
    await muster.startAgent('real-1');
    for (let task = 0; task < WARM_UP_TASKS; task += 1) await measureStart(muster);
    const starts: number[] = [];
    const ends: number[] = [];
    for (let task = 0; task < TASKS; task += 1) {
      const { startMs, endMs } = await measureStart(muster);
      starts.push(startMs);
      ends.push(endMs);
    }
    report.note(`${TASKS} tasks, one at a time`);
    report.figure('created to first command, p50', percentile(starts, 0.5), 'ms', 'at most 10');
    report.figure('created to first command, p99', percentile(starts, 0.99), 'ms', 'at most 40');
    report.figure('created to WaitTask answered, p50', percentile(ends, 0.5), 'ms');
    report.figure('created to WaitTask answered, p99', percentile(ends, 0.99), 'ms');
    const lines = await measureLines(muster);
    report.note(`${lines.length} lines of one script`);
    report.figure('line written to received, p50', percentile(lines, 0.5), 'ms');
    report.figure('line written to received, p99', percentile(lines, 0.99), 'ms', 'at most 200');
  } finally {
    await muster.stop();
  }
}

/** ms since 1970, with fractions. */
function now(): number {
  return performance.timeOrigin + performance.now();
}

async function measureStart({ tasks }: BenchMuster): Promise<{ startMs: number; endMs: number }> {
  const createdAt = now();
  const { task } = await tasks.createTask({ spec: scriptSpec(NOW, Interpreter.BASH) });
  const id = task?.id ?? '';
  await tasks.waitTask({ id });
  const endMs = now() - createdAt;
  const { content } = await tasks.readOutput({ id, stream: OutputStream.STDOUT });
  return { startMs: msOf(Buffer.from(content).toString()) - createdAt, endMs };
}

async function measureLines({ tasks }: BenchMuster): Promise<number[]> {
  const { task } = await tasks.createTask({ spec: scriptSpec(LINES_SCRIPT, Interpreter.BASH) });
  const latencies: number[] = [];
  let rest = '';
  for await (const { item } of tasks.tailOutput({ id: task?.id ?? '' })) {
    if (item.case !== 'chunk') continue;
    const arrivedAt = now();
    const lines = (rest + Buffer.from(item.value.content).toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) latencies.push(arrivedAt - msOf(line));
  }
  if (latencies.length !== LINES) throw new Error(`${latencies.length} of ${LINES} lines arrived`);
  return latencies;
}

/** Reads what bash printed: seconds since 1970, with six places, which some locales write with a comma. */
function msOf(line: string): number {
  return Number(line.trim().replace(',', '.')) * 1000;
}
