// The topic of LiveService about schedules and nodes: each committed transition once, in order, also over a lost connection (I4).
import { createClient } from '@connectrpc/connect';
import { afterEach, expect, it } from 'vitest';
import {
  ActorKind,
  type ActorsMoved,
  type ActorTransition,
  LiveService,
} from '../../proto/gen/muster/v1/live_service_pb.ts';
import { eventually } from '../../test/eventually.ts';
import { openInMemory, TOKENS } from '../http/testing/transports.ts';
import { ScriptedAgent } from '../supervisor/scripted-agent.ts';
import type { ScheduleDraft, Supervisor } from '../supervisor/supervisor.ts';
import { caller, draft, useBench } from '../supervisor/testing/test-bench.ts';

const bench = useBench();
const leaving = new Set<() => void>();

afterEach(() => {
  for (const leave of leaving) leave();
  leaving.clear();
});

const wish: ScheduleDraft = {
  name: 'nightly',
  timing: { kind: 'every', everyMs: 86_400_000 },
  startAt: null,
  endAt: null,
  jitterMs: 0,
  overlap: 'allow',
  missed: 'latest',
  missedWindowMs: 3_600_000,
  task: draft(null),
  spec: {},
};
const drain = { note: 'disk', deadlineMs: null, onDeadline: 'stop' } as const;

/** Follows as a page does: what it has seen, it names when it comes again. */
class Page {
  readonly transitions: ActorTransition[] = [];
  readonly #versions = new Map<string, number>();
  #hasBegun = false;
  #leave: (() => void) | null = null;

  async connect(supervisor: Supervisor, former = 0): Promise<void> {
    const live = createClient(LiveService, openInMemory(supervisor, TOKENS.user));
    const controller = new AbortController();
    this.#leave = () => controller.abort();
    leaving.add(this.#leave);
    const actors = [...this.#versions].map(([key, version]) => ({ key, version }));
    const value = this.#hasBegun ? { seen: { actors } } : { former };
    const stream = live.openStream({}, { signal: controller.signal })[Symbol.asyncIterator]();
    const first = await stream.next();
    const { message } = first.value ?? {};
    const streamId = message?.case === 'opened' ? message.value.streamId : '';
    const topic = { case: 'actors', value } as const;
    await live.subscribe({ streamId, subscriptionId: 'a', topic });
    void this.#read(stream, controller.signal);
    await eventually(() => this.#hasBegun, 'it begins');
  }

  async #read(
    stream: AsyncIterator<{ message: { case?: string | undefined; value?: unknown } }>,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      for (;;) {
        const { value, done } = await stream.next();
        if (done === true) return;
        if (!signal.aborted && value.message.case === 'actors') {
          this.#take(value.message.value as ActorsMoved);
        }
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  #take({ transitions, versions }: ActorsMoved): void {
    for (const { key, version } of versions) this.#versions.set(key, version);
    for (const one of transitions) {
      this.transitions.push(one);
      const version = one.transition?.version ?? 0;
      this.#versions.set(one.key, Math.max(version, this.#versions.get(one.key) ?? 0));
    }
    this.#hasBegun = true;
  }

  disconnect(): void {
    this.#leave?.();
  }

  of(kind: ActorKind): string[] {
    return this.transitions
      .filter((one) => one.kind === kind)
      .map(({ name, transition }) => `${name} ${transition?.version} ${transition?.eventType}`);
  }
}

async function connectAgent(supervisor: Supervisor, id: string): Promise<ScriptedAgent> {
  const agent = new ScriptedAgent(id);
  await agent.connect(supervisor);
  return agent;
}

async function isDrained(supervisor: Supervisor, id: string): Promise<void> {
  await eventually(
    async () => (await supervisor.nodes.get(id)).actor?.path === 'drained',
    `${id} is drained`,
  );
}

const SCHEDULE_STEPS = [
  'nightly 1 schedule.created',
  'nightly 2 pause.requested',
  'nightly 3 resume.requested',
];

it('brings the steps of a schedule and of a drain once each and in order, whoever commits them', async () => {
  const [one, other] = [await bench.start(), await bench.start()];
  await connectAgent(other, 'web-1');
  const page = new Page();
  await page.connect(one);
  await other.schedules.create(wish, caller);
  await other.schedules.pause('nightly', 'enough', caller);
  await one.schedules.resume('nightly', caller);
  await other.nodes.drain('web-1', drain, caller);
  await isDrained(other, 'web-1');
  await other.nodes.resume('web-1', caller);
  await eventually(() => page.of(ActorKind.SCHEDULE).length >= 3, 'the schedule is followed');
  await eventually(() => page.of(ActorKind.NODE).length >= 4, 'the node is followed');
  expect(page.of(ActorKind.SCHEDULE)).toEqual(SCHEDULE_STEPS);
  expect(page.of(ActorKind.NODE)).toEqual([
    'web-1 1 node.created',
    'web-1 2 drain.requested',
    'web-1 3 tasks.counted',
    'web-1 4 resume.requested',
  ]);
  const [, asked] = page.transitions.filter(({ kind }) => kind === ActorKind.NODE);
  expect(asked?.transition).toMatchObject({ fromState: 'active', toState: 'draining' });
  expect(asked?.transition?.event).toMatchObject({ by: 'test', note: 'disk' });
});

it('goes on after a gap without loss or repeat, on another supervisor', async () => {
  const [one, other] = [await bench.start(), await bench.start()];
  await connectAgent(one, 'web-1');
  await one.schedules.create({ ...wish, name: 'quiet' }, caller);
  await one.schedules.create(wish, caller);
  const page = new Page();
  await page.connect(one);
  await one.schedules.pause('nightly', '', caller);
  await eventually(() => page.transitions.length === 1, 'the first step comes');
  page.disconnect();
  await one.schedules.resume('nightly', caller);
  await one.schedules.pause('quiet', '', caller);
  await one.schedules.create({ ...wish, name: 'fresh' }, caller);
  await one.nodes.drain('web-1', drain, caller);
  await isDrained(one, 'web-1');
  await page.connect(other);
  await eventually(() => page.transitions.length >= 7, 'the gap is filled');
  await one.schedules.pause('fresh', '', caller);
  await eventually(() => page.transitions.length >= 8, 'it goes on');
  expect(page.of(ActorKind.SCHEDULE)).toEqual([
    'nightly 2 pause.requested',
    'nightly 3 resume.requested',
    'quiet 2 pause.requested',
    'fresh 1 schedule.created',
    'fresh 2 pause.requested',
  ]);
  expect(page.of(ActorKind.NODE)).toEqual([
    'web-1 1 node.created',
    'web-1 2 drain.requested',
    'web-1 3 tasks.counted',
  ]);
});

it('begins with as many of the newest former steps of each kind as are asked for', async () => {
  const supervisor = await bench.start();
  await connectAgent(supervisor, 'web-1');
  await supervisor.nodes.drain('web-1', drain, caller);
  await isDrained(supervisor, 'web-1');
  await supervisor.schedules.create(wish, caller);
  await supervisor.schedules.pause('nightly', '', caller);
  await supervisor.schedules.resume('nightly', caller);
  const [all, two] = [new Page(), new Page()];
  await all.connect(supervisor, 500);
  await two.connect(supervisor, 2);
  expect(all.of(ActorKind.SCHEDULE)).toEqual(SCHEDULE_STEPS);
  expect(two.of(ActorKind.SCHEDULE)).toEqual(SCHEDULE_STEPS.slice(1));
  expect(all.of(ActorKind.NODE)).toHaveLength(3);
  expect(two.of(ActorKind.NODE)).toEqual(['web-1 2 drain.requested', 'web-1 3 tasks.counted']);
  const times = all.transitions.map(({ transition }) => Number(transition?.at?.seconds));
  expect(times).toEqual([...times].sort((one, other) => one - other));
});

it('misses no step that is visible later than younger ones', async () => {
  const supervisor = await bench.start();
  const late = await supervisor.schedules.create({ ...wish, name: 'late' }, caller);
  await supervisor.schedules.create(wish, caller);
  const page = new Page();
  await page.connect(supervisor);
  await bench.sql.begin(async (sql) => {
    await sql`update schedules set version = 2 where id = ${late.id}`;
    await sql`
      insert into schedule_transitions
      select ${late.id}, 2, '{"type": "pause.requested"}', 'active', 'paused', now() - interval '1 hour', 's'`;
    await supervisor.schedules.pause('nightly', '', caller);
    await eventually(() => page.transitions.length === 1, 'the younger one comes');
  });
  await eventually(() => page.transitions.length === 2, 'the late one comes');
  expect(page.of(ActorKind.SCHEDULE)).toEqual([
    'nightly 2 pause.requested',
    'late 2 pause.requested',
  ]);
});

it('tells what a node does that was deleted and has come again', async () => {
  const supervisor = await bench.start();
  const page = new Page();
  await page.connect(supervisor);
  for (const life of [1, 2]) {
    const agent = await connectAgent(supervisor, 'web-1');
    await supervisor.nodes.drain('web-1', drain, caller);
    await isDrained(supervisor, 'web-1');
    await eventually(() => page.transitions.length === life * 3, `life ${life} is told`);
    agent.disconnect(true);
    await eventually(
      async () => (await supervisor.nodes.get('web-1')).leftAt !== null,
      'the agent has left',
    );
    await supervisor.nodes.delete('web-1');
  }
  expect(new Set(page.transitions.map(({ key }) => key)).size).toBe(2);
});

it('brings any number of missed steps, page by page', async () => {
  const supervisor = await bench.start();
  const { id } = await supervisor.schedules.create(wish, caller);
  const page = new Page();
  await page.connect(supervisor);
  await bench.sql.begin(async (sql) => {
    await sql`update schedules set version = 900 where id = ${id}`;
    await sql`
      insert into schedule_transitions
      select ${id}, n, '{"type": "due"}', 'active', 'active', now(), 's' from generate_series(2, 900) as n`;
  });
  await eventually(() => page.transitions.length >= 899, 'all come');
  const versions = page.transitions.map(({ transition }) => transition?.version);
  expect(versions).toEqual(Array.from({ length: 899 }, (_, index) => index + 2));
});
