/**
 * How soon the console shows what is committed, and how smoothly it draws while much happens.
 *
 * A real supervisor, a real browser with the real page, and simulated agents whose attempts all fail, so that tasks go through four
 * transitions for each of many attempts. One machine, one clock: a transition carries the time at which it was decided, right before its
 * commit, and the page is read at the beginning of the first frame after each of its changes. A state that another one has followed
 * before that frame counts as shown with it. The browser has no screen and draws on the processor, which all share.
 */
import { loadavg } from 'node:os';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { ConsolePage } from './console-page.ts';
import type { Sight } from './console-recorder.ts';
import { fillTasks, SPREAD_MS, TASKS } from './long-life.ts';
import { BenchMuster } from './muster.ts';
import { percentile, Report } from './report.ts';
import { startSimulatedAgents } from './simulated-fleet.ts';
import { retriedSpec } from './specs.ts';

const SHORT_WORK_MS = 200;
/** Attempts of the one task whose screen is watched. */
const ATTEMPTS = 60;
const LISTED_TASKS = 8;
const LISTED_ATTEMPTS = 10;

/** Together these give 200 transitions/s: each task has an attempt a second. */
const BUSY_TASKS = 50;
const BUSY_WORK_MS = 500;
const BUSY_RETRY_MS = 950;
const NODES = 5_000;
const MAX_ATTEMPTS = 100;
/** Attempts of a child: there are enough children for the whole time. */
const CHILD_ATTEMPTS = 10;
const WARM_UP_MS = 3_000;
const BUSY_MS = 20_000;

const ROW_PX = 34;
const ROWS_IN_VIEW = 20;
const SCROLLED_VIEWS = 100;
/** Of a page that is turned with a wheel, fast. */
const ROWS_A_FRAME = 3;
/** Of a list that is dragged as fast as it goes: a view a frame, and a hundred pages of the API. */
const DRAGGED_ROWS = 100 * 200;

export async function run(): Promise<void> {
  const muster = await BenchMuster.start();
  try {
    const report = new Report('console', muster.database.version);
    const page = await ConsolePage.open(muster);
    try {
      report.note(`${page.version}, headless, drawn by the processor`);
      await measureVisible(muster, page, report);
      await measureFrames(muster, page, report);
      await measureLongList(muster, page, report);
      report.note(
        `load of the machine: ${loadavg()
          .map((load) => load.toFixed(1))
          .join(', ')}`,
      );
    } finally {
      await page.close();
    }
  } finally {
    await muster.stop();
  }
}

/** From the commit of a transition until the page shows it, with nothing else to do. */
async function measureVisible(
  muster: BenchMuster,
  page: ConsolePage,
  report: Report,
): Promise<void> {
  const fleet = await startSimulatedAgents(muster, {
    agents: 1,
    slots: LISTED_TASKS,
    workMs: SHORT_WORK_MS,
    exitCode: 1,
  });
  const [one = ''] = await createRetried(muster, 1, ATTEMPTS, SHORT_WORK_MS);
  await page.show(`/tasks/${one}`, /Live, version/);
  reportVisible('screen of a task', await delaysOf(muster, page, [one]), report);
  const many = await createRetried(muster, LISTED_TASKS, LISTED_ATTEMPTS, SHORT_WORK_MS);
  await page.show('/tasks', /^retried-/);
  reportVisible('list of tasks', await delaysOf(muster, page, many), report);
  await fleet.end();
}

async function createRetried(
  { tasks }: BenchMuster,
  count: number,
  maxAttempts: number,
  retryMs: number,
): Promise<string[]> {
  const kind = { case: 'any', value: {} } as const;
  const specs = Array.from({ length: count }, (_, index) =>
    retriedSpec({ name: `retried-${index}`, kind, maxAttempts, retryMs }),
  );
  const created = await tasks.createTasks({ specs });
  return created.tasks.map(({ id }) => id);
}

/** Watches the page until the tasks are final, and returns how late it showed each of their transitions, in ms. */
async function delaysOf(
  muster: BenchMuster,
  page: ConsolePage,
  ids: readonly string[],
): Promise<number[]> {
  await page.watch();
  await finished(muster, ids);
  await page.sees('failed');
  const sights = await page.take();
  const delays: number[] = [];
  for (const id of ids) {
    const { transitions } = await muster.tasks.getTaskHistory({ id, pageSize: 1_000 });
    const steps = transitions.map(({ toState, attempt, at }) => ({
      state: toState.replace('.', ' · '),
      attempt,
      at: at === undefined ? Number.NaN : timestampMs(at),
    }));
    delays.push(
      ...delaysOfTask(
        steps,
        sights.filter(({ taskId }) => taskId === id),
      ),
    );
  }
  return delays;
}

type Step = Omit<Sight, 'taskId'>;

/** What had happened when the watching began is left out. */
function delaysOfTask(steps: readonly Step[], sights: readonly Step[]): number[] {
  const delays: number[] = [];
  let shown = -1;
  for (const { state, attempt, at } of sights) {
    const index = steps.findIndex((step) => step.state === state && step.attempt === attempt);
    if (index === -1)
      throw new Error(`The page shows ${state} of attempt ${attempt}, which never was`);
    if (shown >= 0) for (const step of steps.slice(shown + 1, index + 1)) delays.push(at - step.at);
    shown = Math.max(shown, index);
  }
  return delays;
}

function reportVisible(screen: string, delays: readonly number[], report: Report): void {
  report.note(`${delays.length} transitions on the ${screen}`);
  const figure = (share: number, aim: string) =>
    report.figure(
      `committed to visible, ${screen}, p${share * 100}`,
      percentile(delays, share),
      'ms',
      aim,
    );
  figure(0.5, '');
  figure(0.95, 'at most 300');
  figure(0.99, '');
}

/** Frames of three screens while 200 transitions/s pass. */
async function measureFrames(
  muster: BenchMuster,
  page: ConsolePage,
  report: Report,
): Promise<void> {
  const fleet = await startSimulatedAgents(muster, {
    agents: NODES,
    slots: 4,
    workMs: BUSY_WORK_MS,
    exitCode: 1,
  });
  for (const [screen, path, text] of [
    ['list of tasks', '/tasks', /^retried-/],
    ['events', '/events', 'attempt.started'],
  ] as const) {
    const ids = await createRetried(muster, BUSY_TASKS, MAX_ATTEMPTS, BUSY_RETRY_MS);
    await page.show(path, text);
    await reportFrames(screen, muster, page, report);
    await cancel(muster, ids);
  }
  const selection = { nodes: [`simulated-[1-${NODES}]`] };
  const kind = { case: 'selection', value: selection } as const;
  const spec = retriedSpec({
    name: 'fan-out',
    kind,
    maxAttempts: CHILD_ATTEMPTS,
    retryMs: BUSY_RETRY_MS,
    maxParallel: BUSY_TASKS,
  });
  const { task } = await muster.tasks.createTask({ spec });
  const id = task?.id ?? '';
  await page.show(`/tasks/${id}?tab=children`, 'simulated-1');
  await reportFrames(`children of a fan-out over ${NODES} nodes`, muster, page, report);
  await cancel(muster, [id]);
  await fleet.end();
}

async function cancel(muster: BenchMuster, ids: readonly string[]): Promise<void> {
  await Promise.all(ids.map((id) => muster.tasks.cancelTask({ id })));
  await finished(muster, ids);
}

/** Resolves when all of these tasks are final. */
async function finished({ tasks }: BenchMuster, ids: readonly string[]): Promise<void> {
  const one = async (id: string) => {
    for (;;) {
      const { task } = await tasks.waitTask({ id, timeout: { seconds: 60n } });
      if (task?.finishedAt !== undefined) return;
    }
  };
  await Promise.all(ids.map(one));
}

async function reportFrames(
  screen: string,
  muster: BenchMuster,
  page: ConsolePage,
  report: Report,
): Promise<void> {
  await page.frames(WARM_UP_MS);
  const before = await countTransitions(muster);
  const startedAt = performance.now();
  const frames = await page.frames(BUSY_MS);
  const seconds = (performance.now() - startedAt) / 1000;
  const rate = ((await countTransitions(muster)) - before) / seconds;
  report.note(`${screen}, ${Math.round(rate)} transitions/s for ${Math.round(seconds)} s`);
  describeFrames(screen, frames, report);
}

function describeFrames(screen: string, frames: readonly number[], report: Report): void {
  const seconds = frames.reduce((sum, ms) => sum + ms, 0) / 1000;
  report.figure(`${screen}: frames`, frames.length / seconds, 'per second');
  report.figure(`${screen}: frame, p50`, percentile(frames, 0.5), 'ms');
  report.figure(`${screen}: frame, p95`, percentile(frames, 0.95), 'ms', 'at most 33');
  report.figure(`${screen}: longest frame`, Math.max(...frames), 'ms');
}

async function countTransitions({ database }: BenchMuster): Promise<number> {
  const [row] = await database.database.sql<{ count: number }[]>`
    select count(*)::integer as count from transitions`;
  return row?.count ?? 0;
}

/** The list of a million tasks. */
async function measureLongList(
  { database }: BenchMuster,
  page: ConsolePage,
  report: Report,
): Promise<void> {
  await fillTasks(database.database.sql, Date.now() - SPREAD_MS);
  const startedAt = performance.now();
  await page.show('/tasks', /older ones follow/);
  report.note(`${TASKS.toLocaleString('en-US')} stored tasks`);
  report.figure('long list: opened and shown', performance.now() - startedAt, 'ms');
  const viewed = SCROLLED_VIEWS * ROWS_IN_VIEW;
  const scrolled = await page.scroll(viewed * ROW_PX, ROWS_A_FRAME * ROW_PX);
  describeFrames(`long list, ${ROWS_A_FRAME} rows a frame`, scrolled, report);
  const dragged = await page.scroll(DRAGGED_ROWS * ROW_PX, ROWS_IN_VIEW * ROW_PX);
  describeFrames(`long list, ${ROWS_IN_VIEW} rows a frame`, dragged, report);
  const heap = await page.readHeapMiB();
  report.figure(`long list: JavaScript heap after ${DRAGGED_ROWS} rows`, heap, 'MiB');
}
