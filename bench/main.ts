/**
 * The benchmarks: `npm run bench -- NAME`, one file for each question. Without a name it lists them; `all` runs all in turn.
 */
import { watchMachine } from './processes.ts';

interface Benchmark {
  readonly question: string;
  readonly load: () => Promise<{ run(): Promise<void> }>;
}

const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  commit: {
    question: 'how many transitions per second the committer makes durable',
    load: () => import('./commit.ts'),
  },
  'control-plane': {
    question: 'how many tasks per second go from created to completed, beside graphile-worker',
    load: () => import('./control-plane.ts'),
  },
  latency: {
    question: 'how long a task takes to start, and a line of output to arrive',
    load: () => import('./latency.ts'),
  },
  'fan-out': {
    question: 'how a fan-out over 5,000 nodes goes',
    load: () => import('./fan-out.ts'),
  },
  sessions: {
    question: 'what 5,000 idle sessions cost, and how long a fan-out over 1,000 nodes takes',
    load: () => import('./sessions.ts'),
  },
  schedules: {
    question: 'how long until 10,000 schedules that are due at once have fired',
    load: () => import('./schedules.ts'),
  },
  scripts: {
    question: 'how many processes per second one agent runs, beside xargs',
    load: () => import('./scripts.ts'),
  },
  handlers: {
    question: 'how many calls of a handler per second one agent carries out',
    load: () => import('./handlers.ts'),
  },
  'long-life': {
    question: 'how long lists and counts take with a million stored tasks',
    load: () => import('./long-life.ts'),
  },
  console: {
    question: 'how soon the console shows a transition, and how smoothly it draws many',
    load: () => import('./console.ts'),
  },
  validation: {
    question: 'what it costs to check 1,000 specs against the constraints of the API',
    load: () => import('./validation.ts'),
  },
  memory: {
    question: 'how much memory an idle agent and an idle session take',
    load: () => import('./memory.ts'),
  },
};

async function main(names: readonly string[]): Promise<number> {
  const known = Object.keys(BENCHMARKS);
  const chosen = names.includes('all') ? known : names;
  const unknown = chosen.filter((name) => !known.includes(name));
  if (chosen.length === 0 || unknown.length > 0) {
    if (unknown.length > 0) console.error(`There is no benchmark ${unknown.join(', ')}.`);
    console.error('npm run bench -- NAME, where NAME is all or one of:');
    for (const [name, { question }] of Object.entries(BENCHMARKS)) {
      console.error(`  ${name.padEnd(16)} ${question}`);
    }
    return unknown.length > 0 ? 1 : 0;
  }
  for (const name of chosen) {
    const benchmark = BENCHMARKS[name] as Benchmark;
    console.log(`${name}: ${benchmark.question}`);
    const loaded = await benchmark.load();
    const readShares = await watchMachine();
    await loaded.run();
    const shares = await readShares();
    // A machine that others use, or whose own host is busy, gives other figures.
    if (shares !== null) {
      const [idle, stolen] = [shares.idle, shares.stolen].map((share) => Math.round(share * 100));
      console.log(`  while it ran: processors ${idle} % idle, ${stolen} % taken by other machines`);
    }
  }
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
