/** What must hold in whatever order the database answers: provoked with answers that come when the test says so. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { TaskRecord } from '../../db/records.ts';
import { DEFAULT_TASK_POLICY } from '../../machines/task-context.ts';
import { systemClock } from '../process/clock.ts';
import { silentLogger } from '../process/log.ts';
import { sendStart } from './attempt-start.ts';
import { Session } from './session.ts';
import { SessionRegistry } from './sessions.ts';
import type { SessionRegistryOptions } from './sessions.ts';
import type { SpecCache } from './spec-cache.ts';
import type { AgentCommand, AgentLink } from './supervisor.ts';

class Link implements AgentLink {
  readonly commands: AgentCommand[] = [];
  reason: string | null = null;

  send(commands: readonly AgentCommand[]): void {
    this.commands.push(...commands);
  }

  acknowledge(): void {}
  heartbeat(): void {}

  close(reason: string): void {
    this.reason = reason;
  }
}

function openSession(link: AgentLink): Session {
  const session = new Session({
    nodeId: 'web-1',
    epoch: 1,
    bootId: 'b',
    slots: 4,
    workers: [],
    link,
    store: {} as never,
    host: {} as never,
    log: silentLogger,
    monotonic: () => 0,
    onOutput() {},
    onProgress() {},
    adopt: async () => {},
    onWorker() {},
    onCapacity() {},
  });
  session.begin();
  return session;
}

const record = {
  id: 'task-1',
  name: 'test',
  specId: 'task-1',
  snapshot: { context: { attempt: 1, policy: DEFAULT_TASK_POLICY, target: { kind: 'any' } } },
} as unknown as TaskRecord;

function startWith(spec: Promise<unknown>, session: Session): Promise<void> {
  const specs = { take: () => spec } as unknown as SpecCache;
  const options = { specs, outputCapBytes: 1, deadAfterMs: 1, log: silentLogger };
  return sendStart(options, session, record);
}

describe('a start whose spec is still being read', () => {
  it('is not sent once the stop of the attempt is (I2)', async () => {
    const link = new Link();
    const session = openSession(link);
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const starting = startWith(promise, session);
    session.send({ kind: 'stop', taskId: 'task-1', attempt: 1, cause: 'cancel' });
    resolve({});
    await starting;
    expect(link.commands.map((command) => command.kind)).toEqual(['stop']);
  });

  it('is not sent once the attempt has left the session', async () => {
    const link = new Link();
    const session = openSession(link);
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const starting = startWith(promise, session);
    session.release('task-1');
    resolve({});
    await starting;
    expect(link.commands).toEqual([]);
  });

  it('can be sent again after the read has failed', async () => {
    const link = new Link();
    const session = openSession(link);
    await startWith(Promise.reject(new Error('lost')), session);
    expect(session.sentAt('task-1')).toBeNull();
    await startWith(Promise.resolve({}), session);
    expect(link.commands.map((command) => command.kind)).toEqual(['start']);
  });
});

describe('a slot', () => {
  it('belongs to the attempt that came of a proposal, whatever becomes of a second proposal (I8)', () => {
    const session = openSession(new Link());
    expect(session.reserve('task-1', 0, true)).toBe(true);
    expect(session.reserve('task-1', 0, true)).toBe(false);
    session.assign(record);
    // A stale entry of the queue, from before the dispatch.
    expect(session.reserve('task-1', 0, true)).toBe(false);
    session.cancelReservation('task-1');
    expect(session.freeSlots).toBe(3);
    // Attempt 1 has ended elsewhere; the task is queued again.
    expect(session.reserve('task-1', 1, true)).toBe(true);
    session.cancelReservation('task-1');
    expect(session.freeSlots).toBe(4);
  });
});

describe('a task that other nodes could take', () => {
  const link = new Link();
  let session = openSession(link);

  beforeEach(() => {
    session = openSession(link);
    session.reserve('task-1', 0, true);
  });

  it('keeps bound ones from being sent ahead of the slots until its start is sent (I8)', async () => {
    expect(session.prefetch).toBe(0);
    await startWith(Promise.reject(new Error('lost')), session);
    expect(session.prefetch).toBe(0);
    await startWith(Promise.resolve({}), session);
    expect(session.prefetch).toBe(2);
  });

  it('does not when it is not dispatched after all, has left, or is stopped', () => {
    session.cancelReservation('task-1');
    expect(session.prefetch).toBe(2);
    session.reserve('task-1', 0, true);
    session.assign(record);
    expect(session.prefetch).toBe(0);
    session.send({ kind: 'stop', taskId: 'task-1', attempt: 1, cause: 'cancel' });
    expect(session.prefetch).toBe(2);
    session.release('task-1');
    session.assign(record);
    expect(session.prefetch).toBe(0);
    session.release('task-1');
    expect(session.prefetch).toBe(2);
  });

  it('does not when the agent has told of it', () => {
    session.assign(record);
    session.hold('task-1', 1, 'accepted');
    expect(session.prefetch).toBe(2);
    session.release('task-1');
    session.assign(record);
    expect(session.prefetch).toBe(2);
  });
});

describe('a registry of sessions', () => {
  function registryWith(answers: Promise<unknown>[]): SessionRegistry {
    return new SessionRegistry({
      // The openings are answered as the test says; no node has running tasks.
      store: { read: () => answers.shift() ?? Promise.resolve([]) },
      host: {},
      specs: {},
      scheduler: () => ({ drop() {}, capacity() {}, look() {}, proposedTo: () => [] }),
      book: () => ({ opened() {}, changed() {} }),
      supervisorId: 'here',
      clock: systemClock,
      log: silentLogger,
      onOutput() {},
      onOpened() {},
      heartbeatIntervalMs: 5_000,
      deadAfterMs: 15_000,
      outputCapBytes: 1,
    } as unknown as SessionRegistryOptions);
  }
  const who = { nodeId: 'web-1', bootId: 'b', facts: {}, labels: {}, slots: 1 };
  const hello = { ...who, held: [], workers: [] };

  it('keeps the session with the highest epoch, whichever is answered last (I6)', async () => {
    const first = Promise.withResolvers<unknown>();
    const second = Promise.withResolvers<unknown>();
    const registry = registryWith([first.promise, second.promise]);
    const links = [new Link(), new Link()] as const;
    const openings = links.map((link) => registry.open(hello, link));
    second.resolve({ epoch: 2, previousSupervisorId: 'here', holder: null });
    await openings[1];
    first.resolve({ epoch: 1, previousSupervisorId: null, holder: null });
    await openings[0];
    expect(registry.get('web-1')?.epoch).toBe(2);
    expect(links.map((link) => link.reason)).toEqual(['replaced', null]);
  });

  it('closes a session whose opening is answered after the stop', async () => {
    const answer = Promise.withResolvers<unknown>();
    const registry = registryWith([answer.promise]);
    const link = new Link();
    const opening = registry.open(hello, link);
    registry.stop();
    answer.resolve({ epoch: 1, previousSupervisorId: null, holder: null });
    await opening;
    expect([link.reason, registry.size]).toEqual(['shutdown', 0]);
  });

  it('does not act on a record that was committed here while it was read (I2)', async () => {
    const registry = registryWith([
      Promise.resolve({ epoch: 1, previousSupervisorId: null, holder: null }),
    ]);
    const link = new Link();
    (await registry.open(hello, link))?.begin();
    const current = { nodeId: 'web-1', epoch: 1 };
    const context = { ...record.snapshot.context, current, stopCause: 'cancel' };
    const stale = { ...record, snapshot: { path: 'running.stopping', context } } as TaskRecord;
    await registry.reconcileAll(async () => {
      registry.committed('task-1');
      return [stale];
    }, 0);
    expect(link.commands).toEqual([]);
    await registry.reconcileAll(async () => [stale], 0);
    expect(link.commands.map((command) => command.kind)).toEqual(['stop']);
  });
});
