// What is told, in which order and portions, and what is told again, with a real journal and real output files.

import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Events, StartAttemptSchema } from '../proto/gen/muster/v1/agent_service_pb.ts';
import { SimulatedClock } from '../src/process/clock.ts';
import { policyOf } from './attempt-policy.ts';
import { type AttemptRecord, nameOf } from './attempt-record.ts';
import { Journal } from './journal.ts';
import { AttemptOutput } from './output.ts';
import { Reporter } from './reporter.ts';
import { startOf } from './testing/starts.ts';
import { FileOutput } from './output-source.ts';

const MIB = 2 ** 20;

let folder: string;
let journal: Journal;
let reporter: Reporter;
let outputs: AttemptOutput[];
let clock: SimulatedClock;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-reporter-'));
  journal = Journal.open(join(folder, 'journal.db'));
  clock = new SimulatedClock();
  reporter = new Reporter({ journal, clock });
  outputs = [];
  reporter.open();
});

afterEach(() => {
  for (const output of outputs) output.close();
  journal.close();
  rmSync(folder, { recursive: true });
});

/** An executing attempt with so much output. */
function attempt(stdoutBytes: number): AttemptRecord {
  const start = create(StartAttemptSchema, startOf('x', {}, { outputCapBytes: 100 * MIB }));
  const record = journal.accept(start, policyOf(start), 'boot', 1);
  journal.markSpawning(record);
  journal.markExecuting(record, 1, 2);
  const own = join(folder, nameOf(record));
  mkdirSync(own);
  const output = new AttemptOutput({
    source: new FileOutput(own),
    capBytes: 100 * MIB,
    acked: record.acked,
    cut: null,
    onCut: () => {},
  });
  outputs.push(output);
  if (stdoutBytes > 0) appendFileSync(join(own, 'stdout'), Buffer.alloc(stdoutBytes));
  output.refresh();
  reporter.add(record, output);
  return record;
}

function finish(record: AttemptRecord): void {
  journal.markEnded(record, { kind: 'lost', why: 'for this test' });
  reporter.changed(record);
}

function takeAll(): Events[] {
  const all: Events[] = [];
  for (let next = reporter.next(); next !== null; next = reporter.next()) all.push(next);
  return all;
}

const kinds = (events: Events[]) =>
  events.flatMap((one) => one.events.map(({ event }) => event.case));

function outputBytes(events: Events[], record: AttemptRecord): number {
  return events
    .flatMap((one) => one.events)
    .reduce((sum, { event }) => {
      const isOf = event.case === 'output' && event.value.taskId === record.taskId;
      return sum + (isOf ? event.value.content.length : 0);
    }, 0);
}

describe('Reporter', () => {
  it('has nothing to say while nothing changes, and calls when something does', () => {
    let calls = 0;
    reporter.onReady = () => (calls += 1);
    expect(reporter.next()).toBeNull();
    const record = attempt(0);
    expect(calls).toBe(1);
    expect(kinds(takeAll())).toEqual(['started']);
    reporter.changed(record);
    expect(reporter.next()).toBeNull();
  });

  it('gathers what has happened meanwhile in one message', () => {
    for (let i = 0; i < 20; i += 1) attempt(10);
    const all = takeAll();
    expect(all).toHaveLength(1);
    expect(all[0]?.events).toHaveLength(40);
  });

  it('tells the end after all output', () => {
    finish(attempt(MIB));
    expect(kinds(takeAll()).join()).toMatch(/^started(,output)+,lost$/);
  });

  it('keeps messages small and numbers them from 1', () => {
    attempt(2 * MIB);
    const all = takeAll();
    expect(all.map(({ seq }) => Number(seq))).toEqual(all.map((_, index) => index + 1));
    for (const { events } of all) {
      const bytes = events.reduce(
        (sum, { event }) => sum + (event.case === 'output' ? event.value.content.length : 0),
        0,
      );
      expect(bytes).toBeLessThanOrEqual(MIB);
    }
  });

  it('sends at most a window of output that is not acknowledged, in turns', () => {
    const [big, other] = [attempt(20 * MIB), attempt(20 * MIB)];
    const all = takeAll();
    expect(outputBytes(all, big) + outputBytes(all, other)).toBe(4 * MIB);
    expect(outputBytes(all, big)).toBe(2 * MIB);
    const quiet = attempt(0);
    finish(quiet);
    expect(kinds(takeAll())).toEqual(['started', 'lost']);
    reporter.acknowledge(4);
    const more = takeAll();
    expect(outputBytes(more, big)).toBe(outputBytes(more, other));
    expect(outputBytes(more, big)).toBeGreaterThan(0);
  });

  it('writes down what is acknowledged, not at once, and sends the rest again (I5)', () => {
    const record = attempt(600 * 1024);
    takeAll();
    reporter.acknowledge(1);
    expect(journal.readHeld()[0]?.acked.stdout).toBe(0);
    clock.advance(1_000);
    const { acked, isStartAcked } = journal.readHeld()[0]!;
    expect(acked).toEqual(record.acked);
    expect(isStartAcked).toBe(true);
    expect(acked.stdout).toBeGreaterThan(0);
    reporter.close();
    expect(reporter.next()).toBeNull();
    reporter.open();
    const again = takeAll();
    expect(kinds(again)).not.toContain('started');
    expect(outputBytes(again, record)).toBe(600 * 1024 - acked.stdout);
  });

  it('tells an end in every session until it is let go', () => {
    const record = attempt(0);
    finish(record);
    expect(kinds(takeAll())).toEqual(['started', 'lost']);
    reporter.acknowledge(1);
    expect(reporter.next()).toBeNull();
    reporter.close();
    reporter.open();
    expect(kinds(takeAll())).toEqual(['lost']);
    reporter.remove(record);
    reporter.close();
    reporter.open();
    expect(reporter.next()).toBeNull();
    expect(reporter.held()).toEqual([]);
  });

  it('tells the newest note under a key only, and none of a former session', () => {
    reporter.reportLost({ taskId: 'a', attempt: 1 }, 'first');
    reporter.reportLost({ taskId: 'a', attempt: 1 }, 'second');
    expect(reporter.next()?.events).toMatchObject([{ event: { value: { why: 'second' } } }]);
    reporter.reportLost({ taskId: 'a', attempt: 1 }, 'third');
    reporter.close();
    reporter.open();
    expect(reporter.next()).toBeNull();
  });
});
