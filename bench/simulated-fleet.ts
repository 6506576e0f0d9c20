/**
 * Starts the process with simulated agents and follows what it says. Called by benchmarks.
 */
import type { BenchMuster } from './muster.ts';

export interface SimulatedFleet {
  /** Resolves when the ends of this many attempts are committed, counted from the start. */
  reached(count: number): Promise<void>;
  end(): Promise<void>;
}

/** Resolves when all agents are connected. */
export async function startSimulatedAgents(
  muster: BenchMuster,
  options: {
    readonly agents: number;
    readonly slots: number;
    readonly workMs: number;
    readonly exitCode?: number;
  },
): Promise<SimulatedFleet> {
  let done = 0;
  let waiting = { count: 0, resolve: () => {} };
  const ready = Promise.withResolvers<void>();
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  const program = new URL('./simulated-agents.ts', import.meta.url);
  const { agents, slots, workMs, exitCode = 0 } = options;
  const args = [muster.url, muster.home, agents, slots, workMs, exitCode].map(String);
  const running = await muster.run('simulated-agents', program, args, (line) => {
    if (line === 'ready') return ready.resolve();
    done = Number(line.replace('done ', ''));
    if (done >= waiting.count) waiting.resolve();
  });
  void running.ended.then(() => failed.reject(new Error('the simulated agents have ended')));
  await Promise.race([ready.promise, failed.promise]);
  return {
    async reached(count) {
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting = { count, resolve };
      if (done >= count) resolve();
      await Promise.race([promise, failed.promise]);
    },
    async end() {
      running.child.stdin?.end();
      await running.ended;
    },
  };
}
