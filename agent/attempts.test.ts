// Attempts with simulated processes, a clock that stands still and a real journal: commands, the queue, leases, recovery.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Command, CommandSchema } from '../proto/gen/muster/v1/agent_service_pb.ts';
import { SimulatedClock } from '../src/process/clock.ts';
import { silentLogger } from '../src/process/log.ts';
import { Attempts } from './attempts.ts';
import { type AttemptKey, nameOf } from './attempt-record.ts';
import { Journal } from './journal.ts';
import { Lease } from './lease.ts';
import { OutputTail } from './output-tail.ts';
import { Pool } from './pool.ts';
import { Reporter } from './reporter.ts';
import { ReportedAttempt } from './testing/reported-attempt.ts';
import { SimulatedExecutor, type SimulatedGroup } from './testing/simulated-executor.ts';
import { keyOf, type StartInit, startOf } from './testing/starts.ts';

/** One agent without a session: what it reports is taken from its reporter. */
class Bench {
  readonly journal: Journal;
  readonly reporter: Reporter;
  readonly lease: Lease;
  readonly attempts: Attempts;
  readonly pool: Pool;
  readonly failures: unknown[] = [];
  readonly #tail: OutputTail;
  readonly #reported = new Map<string, ReportedAttempt>();

  constructor(slots: number, bootId = 'boot') {
    this.journal = Journal.open(join(folder, 'journal.db'));
    this.reporter = new Reporter({ journal: this.journal, clock });
    this.lease = new Lease(this.journal, clock);
    this.#tail = new OutputTail(clock);
    this.pool = new Pool({
      slots,
      check: () => executor.check(),
      clock,
      random: () => 0.5,
      log: silentLogger,
      onWorkerChanged: () => {},
    });
    this.attempts = new Attempts({
      nodeId: 'web-1',
      bootId,
      attemptsFolder: join(folder, 'attempts'),
      journal: this.journal,
      executor,
      pool: this.pool,
      reporter: this.reporter,
      lease: this.lease,
      tail: this.#tail,
      clock,
      log: silentLogger,
      onFatal: (cause) => this.failures.push(cause),
    });
  }

  async begin(): Promise<void> {
    await this.attempts.recover();
    this.pool.start();
    this.reporter.open();
    await settle();
  }

  close(): void {
    this.pool.close();
    this.#tail.close();
    this.attempts.close();
    this.reporter.save();
    this.journal.close();
  }

  async send(...commands: Command[]): Promise<void> {
    this.attempts.carryOut(commands);
    await settle();
  }

  of(key: AttemptKey): ReportedAttempt {
    for (let events = this.reporter.next(); events !== null; events = this.reporter.next()) {
      for (const event of events.events) {
        if (event.event.case === undefined || event.event.case === 'worker') continue;
        this.#entry(event.event.value).take(event);
      }
      this.reporter.acknowledge(Number(events.seq));
    }
    return this.#entry(key);
  }

  #entry(key: AttemptKey): ReportedAttempt {
    const found = this.#reported.get(nameOf(key)) ?? new ReportedAttempt();
    this.#reported.set(nameOf(key), found);
    return found;
  }
}

let folder: string;
let clock: SimulatedClock;
let executor: SimulatedExecutor;
let bench: Bench;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'muster-attempts-'));
  clock = new SimulatedClock();
  executor = new SimulatedExecutor();
  bench = new Bench(2);
  await bench.begin();
});

afterEach(() => {
  expect(bench.failures).toEqual([]);
  bench.close();
  rmSync(folder, { recursive: true });
});

/** Lets everything happen that waits for nothing but its turn. */
async function settle(): Promise<void> {
  for (let i = 0; i < 50; i += 1) await Promise.resolve();
}

async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 100) {
    clock.advance(Math.min(left, 100));
    await settle();
  }
}

/** The agent dies and starts again; what it had not written down is gone. */
async function restart(bootId = 'boot'): Promise<void> {
  bench.close();
  bench = new Bench(2, bootId);
  await bench.begin();
}

const toStart = (start: StartInit) =>
  create(CommandSchema, { command: { case: 'start', value: start } });
const toStop = (start: AttemptKey, cause = 'cancel') =>
  create(CommandSchema, { command: { case: 'stop', value: { ...keyOf(start), cause } } });
const toForget = (start: AttemptKey) =>
  create(CommandSchema, { command: { case: 'forget', value: keyOf(start) } });

function groupOf(start: AttemptKey): SimulatedGroup {
  const group = executor.groups.get(nameOf(start));
  if (group === undefined) throw new Error('it has not been started');
  return group;
}

async function end(start: AttemptKey, exitCode = 0): Promise<void> {
  groupOf(start).end({ exitCode, signal: null, exitedAt: null });
  await settle();
}

describe('a start', () => {
  it('is told as started and exited', async () => {
    const start = startOf('x');
    await bench.send(toStart(start));
    expect(bench.of(start)).toMatchObject({ started: [{ pid: 1_001 }], exited: [] });
    await end(start, 7);
    expect(bench.of(start).exited).toMatchObject([{ exitCode: 7, stopCause: '' }]);
  });

  it('waits for a worker, in the order of arrival (I8)', async () => {
    const starts = Array.from({ length: 4 }, () => startOf('x'));
    await bench.send(...starts.map(toStart));
    expect(executor.starts).toEqual(starts.slice(0, 2).map(nameOf));
    expect(bench.of(starts[3]!)).toMatchObject({ accepted: 1, started: [] });
    await end(starts[1]!);
    expect(executor.starts).toEqual(starts.slice(0, 3).map(nameOf));
    await end(starts[0]!);
    expect(executor.starts).toEqual(starts.map(nameOf));
  });

  it('works once, however often and wherever it comes (I2)', async () => {
    const start = startOf('x');
    await bench.send(toStart(start), toStart(start));
    await bench.send(toStart(start));
    await restart();
    await bench.send(toStart(start));
    await end(start);
    await bench.send(toStart(start));
    await bench.send(toForget(start), toForget(start));
    await bench.send(toStart(start));
    await restart();
    await bench.send(toStart(start));
    expect(executor.starts).toEqual([nameOf(start)]);
    expect(bench.of(start).lost).toMatchObject([{ why: 'it was over and let go of before' }]);
  });

  it('that fails is told with its reason, and frees the worker', async () => {
    executor.spawnError = 'interpreter python3 is not installed on node web-1';
    const starts = Array.from({ length: 5 }, () => startOf('x'));
    await bench.send(...starts.map(toStart));
    for (const start of starts) {
      expect(bench.of(start)).toMatchObject({
        started: [],
        exited: [{ spawnError: executor.spawnError }],
      });
    }
  });

  it('is refused while the supervisor does not let go of ten thousand others', async () => {
    executor.spawnError = 'no';
    await bench.send(...Array.from({ length: 10_000 }, () => toStart(startOf('x'))));
    const start = startOf('x');
    await bench.send(toStart(start));
    expect(bench.of(start).exited[0]?.spawnError).toMatch(/holds 10000 attempts/);
    expect(bench.of(start).accepted).toBe(0);
  });

  it('is refused when the journal cannot be written, and nothing is started', async () => {
    bench.journal.inTransaction = () => {
      throw new Error('database or disk is full');
    };
    const start = startOf('x');
    await bench.send(toStart(start));
    expect(bench.of(start).exited[0]?.spawnError).toMatch(
      /journal of node web-1 cannot be written/,
    );
    expect(executor.starts).toEqual([]);
  });
});

describe('a stop', () => {
  it('of an attempt in the queue ends it without a process', async () => {
    const starts = Array.from({ length: 3 }, () => startOf('x'));
    await bench.send(...starts.map(toStart));
    await bench.send(toStop(starts[2]!));
    expect(bench.of(starts[2]!)).toMatchObject({
      started: [],
      exited: [{ stopCause: 'cancel', spawnError: '' }],
    });
    expect(bench.of(starts[2]!).exited[0]?.exitCode).toBeUndefined();
    await end(starts[0]!);
    expect(executor.starts).toHaveLength(2);
  });

  it('in the same message as its start stops it', async () => {
    const start = startOf('x');
    await bench.send(toStart(start), toStop(start, 'timeout'));
    expect(groupOf(start).signals).toEqual(['SIGTERM']);
    await end(start, 143);
    expect(bench.of(start).exited).toMatchObject([{ stopCause: 'timeout' }]);
  });

  it('ends the process when the disk is full, and is told as soon as the journal can be written (I9)', async () => {
    const start = startOf('x', {}, { timeoutMs: 60_000, stopGraceMs: 5_000 });
    await bench.send(toStart(start));
    const fail = () => {
      throw new Error('database or disk is full');
    };
    vi.spyOn(bench.journal, 'markStopping').mockImplementation(fail);
    const full = vi.spyOn(bench.journal, 'markEnded').mockImplementation(fail);
    await pass(60_000);
    expect(groupOf(start).signals).toEqual(['SIGTERM']);
    await pass(5_000);
    expect(groupOf(start).signals).toEqual(['SIGTERM', 'SIGKILL']);
    await end(start, 137);
    expect(bench.of(start).exited).toEqual([]);
    full.mockRestore();
    await pass(2_000);
    expect(bench.of(start).exited).toMatchObject([{ stopCause: 'timeout', exitCode: 137 }]);
  });

  it('of what is over is answered with its end, of what is unknown with lost', async () => {
    const start = startOf('x');
    await bench.send(toStart(start));
    await end(start);
    expect(bench.of(start).exited).toHaveLength(1);
    await bench.send(toStop(start));
    expect(bench.of(start).exited).toMatchObject([{ stopCause: '' }, { stopCause: '' }]);
    await bench.send(toStop({ ...start, attempt: 2 }));
    expect(bench.of({ ...start, attempt: 2 }).lost).toHaveLength(1);
  });
});

describe('forgetting', () => {
  it('removes the files of what is over, and nothing of what runs', async () => {
    const [over, runs] = [startOf('x'), startOf('x')];
    await bench.send(toStart(over), toStart(runs));
    await end(over);
    await bench.send(toForget(over), toForget(runs));
    expect(executor.removed).toEqual([nameOf(over)]);
    expect(bench.reporter.held()).toMatchObject([keyOf(runs)]);
  });
});

describe('a lease', () => {
  it('stops the attempt after so much silence, wherever it is', async () => {
    const starts = Array.from({ length: 3 }, () => startOf('x', {}, { leaseMs: 30_000 }));
    await bench.send(...starts.map(toStart));
    await pass(29_000);
    bench.lease.heard();
    await pass(29_900);
    expect(groupOf(starts[0]!).signals).toEqual([]);
    await pass(200);
    expect(groupOf(starts[0]!).signals).toEqual(['SIGTERM']);
    expect(bench.of(starts[2]!).exited).toMatchObject([{ stopCause: 'lease' }]);
  });

  it('that ended while the agent was dead keeps a waiting attempt from being started', async () => {
    const starts = Array.from({ length: 3 }, () => startOf('x', {}, { leaseMs: 30_000 }));
    bench.lease.heard();
    await bench.send(...starts.map(toStart));
    bench.close();
    clock.advance(31_000);
    bench = new Bench(3);
    await bench.begin();
    await pass(100);
    expect(executor.starts).toHaveLength(2);
    expect(groupOf(starts[0]!).signals).toEqual(['SIGTERM']);
    expect(bench.of(starts[2]!).exited).toMatchObject([{ stopCause: 'lease' }]);
  });
});

describe('after a restart', () => {
  it('a running attempt is found, a waiting one is started, an ended one is told again', async () => {
    const [ended, runs, waits] = [startOf('x'), startOf('x'), startOf('x')];
    await bench.send(toStart(ended), toStart(runs), toStart(waits));
    await end(ended, 1);
    await restart();
    expect(executor.starts).toEqual([ended, runs, waits].map(nameOf));
    expect(bench.of(ended).exited).toMatchObject([{ exitCode: 1 }]);
    await end(runs, 2);
    expect(bench.of(runs).exited).toMatchObject([{ exitCode: 2 }]);
  });

  it('under another boot everything that was not over is lost, and nothing is started (I2)', async () => {
    const [ended, runs, waits, more] = [startOf('x'), startOf('x'), startOf('x'), startOf('x')];
    await bench.send(...[ended, runs, waits, more].map(toStart));
    await end(ended, 1);
    executor.starts.length = 0;
    await restart('another boot');
    expect(executor.starts).toEqual([]);
    expect(bench.of(ended).exited).toMatchObject([{ exitCode: 1 }]);
    for (const start of [runs, waits, more]) expect(bench.of(start).lost).toHaveLength(1);
  });
});

describe('any order of commands, ends and deaths', () => {
  it('starts every attempt at most once, and reports it to the end (I2)', async () => {
    const action = fc.oneof(
      fc.record({ do: fc.constantFrom('start', 'stop', 'forget', 'end'), which: fc.nat(4) }),
      fc.record({ do: fc.constantFrom('restart', 'wait'), which: fc.constant(0) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 30 }), async (actions) => {
        executor.starts.length = 0;
        const starts = Array.from({ length: 5 }, () => startOf('x'));
        const asked = new Set<StartInit>();
        for (const step of actions) {
          const start = starts[step.which]!;
          if (step.do === 'start') asked.add(start);
          if (step.do === 'start') await bench.send(toStart(start));
          if (step.do === 'stop') await bench.send(toStop(start));
          if (step.do === 'forget') await bench.send(toForget(start));
          if (step.do === 'end' && executor.groups.has(nameOf(start))) await end(start);
          if (step.do === 'restart') await restart();
          if (step.do === 'wait') await pass(200);
        }
        expect(new Set(executor.starts).size).toBe(executor.starts.length);
        // Whatever happened, each can still be brought to its end.
        for (let round = 0; round < 5; round += 1) {
          for (const group of executor.groups.values()) if (!group.hasEnded()) group.end(null);
          await pass(200);
        }
        for (const start of asked) await bench.send(toStop(start));
        for (const start of asked) expect(bench.of(start).isOver).toBe(true);
        for (const start of asked) await bench.send(toForget(start));
        expect(bench.reporter.held()).toEqual([]);
        expect(new Set(executor.starts).size).toBe(executor.starts.length);
      }),
      { numRuns: 40 },
    );
  });
});
