/**
 * `muster task watch`: tasks as they change.
 *
 * It remembers the version of each task it has shown, and after a lost connection asks for what is later. With ids it ends
 * when all of them are final; with a filter it goes on until Ctrl-C.
 */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError } from '@connectrpc/connect';
import type { WatchTasksResponse } from '../../../proto/gen/muster/v1/task_service_pb.ts';
import { WatchTasksResponseSchema } from '../../../proto/gen/muster/v1/task_service_pb.ts';
import type { Connection } from '../connection.ts';
import { unary, withConnection } from '../connection.ts';
import { EXIT } from '../exit.ts';
import { isFinal } from '../exit-code.ts';
import { CliFault, UsageFault } from '../fault.ts';
import type { OutputForm } from '../output.ts';
import { messageJson, outputForm, printDocument, printLines } from '../output.ts';
import { progressText } from '../progress-line.ts';
import { Reconnect } from '../reconnect.ts';
import { stdout } from '../sink.ts';
import { harmless } from '../table.ts';
import type { FilterFlags, FilterInit } from '../task-filter.ts';
import { buildFilter } from '../task-filter.ts';
import { resolveTaskId } from '../task-id.ts';
import { stateCell, stateName } from '../task-view.ts';
import { formatTimeOfDay } from '../time.ts';

/** As many as a request may name. */
const MAX_SEEN = 1000;
/** As many as are remembered to tell what comes twice. */
const MAX_REMEMBERED = 100_000;

/** Shows changes until there can be no more; returns the exit code. */
export async function watchTasks(ids: readonly string[], flags: FilterFlags): Promise<number> {
  const form = outputForm(flags.output);
  const filter = buildFilter(flags, Date.now());
  if (
    ids.length > 0 &&
    Object.values(filter).some((value) => Object.keys(value ?? {}).length > 0)
  ) {
    throw new UsageFault('give either ids or a filter');
  }
  return await withConnection(flags, async (connection) => {
    const watched = await findTasks(connection, ids);
    const watch = new Watch(ids.length > 0 ? { ids: watched } : filter, new Set(watched), form);
    const reconnect = new Reconnect(connection);
    await reconnect.run(() => watch.follow(connection, reconnect.progressed));
    return EXIT.ok;
  });
}

/** A task that does not exist would be waited for without end. */
async function findTasks(connection: Connection, texts: readonly string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const text of texts) {
    const id = await resolveTaskId(connection, text);
    await connection.tasks.getTask({ id }, unary);
    ids.push(id);
  }
  return ids;
}

class Watch {
  readonly #filter: FilterInit;
  /** The ids that are not final yet; empty from the beginning when a filter is watched. */
  readonly #open: Set<string>;
  readonly #isEndless: boolean;
  readonly #form: OutputForm;
  /** Versions by id, the one that changed last at the end. */
  readonly #seen = new Map<string, number>();

  /** What was printed last of tasks that tell their progress. */
  readonly #progress = new Map<string, string>();

  constructor(filter: FilterInit, open: Set<string>, form: OutputForm) {
    this.#filter = filter;
    this.#open = open;
    this.#isEndless = open.size === 0;
    this.#form = form;
  }

  async follow(connection: Connection, progressed: () => void): Promise<void> {
    const seen = [...this.#seen].slice(-MAX_SEEN).map(([id, version]) => ({ id, version }));
    for await (const change of connection.tasks.watchTasks({ filter: this.#filter, seen })) {
      progressed();
      await this.#receive(change);
      if (!this.#isEndless && this.#open.size === 0) return;
    }
    throw new ConnectError('the stream of changes has ended', Code.Unavailable);
  }

  async #receive(change: WatchTasksResponse): Promise<void> {
    const { task, deleted } = change;
    if (task === undefined) throw new CliFault('the supervisor has sent a change without its task');
    const isStep = deleted || task.version > (this.#seen.get(task.id) ?? 0);
    const shown = task.progress === undefined ? '' : progressText(task.progress);
    if (!isStep && (shown === '' || shown === this.#progress.get(task.id))) return;
    await this.#print(change);
    if (shown === '') this.#progress.delete(task.id);
    else this.#progress.set(task.id, shown);
    this.#seen.delete(task.id);
    if (!deleted) this.#remember(task.id, task.version);
    if (deleted || isFinal(task)) this.#open.delete(task.id);
  }

  #remember(id: string, version: number): void {
    this.#seen.set(id, version);
    const [oldest] = this.#seen.keys();
    if (this.#seen.size > MAX_REMEMBERED && oldest !== undefined) this.#seen.delete(oldest);
  }

  async #print(change: WatchTasksResponse): Promise<void> {
    if (this.#form === 'jsonl') await printLines([messageJson(WatchTasksResponseSchema, change)]);
    else if (this.#form === 'json')
      await printDocument(messageJson(WatchTasksResponseSchema, change));
    else await stdout.write(`${changeLine(change)}\n`);
  }
}

function changeLine({ task, transition, deleted }: WatchTasksResponse): string {
  if (task === undefined) return '';
  const at = transition?.at ?? task.updatedAt;
  const time = at === undefined ? ' '.repeat(8) : formatTimeOfDay(timestampMs(at));
  if (deleted) return `${time}  ${task.id}  deleted`;
  const { text, paint } = stateCell(stateName(task));
  const state = (paint ?? String)(text.padEnd(22));
  const progress = task.progress === undefined ? '' : progressText(task.progress);
  const rest = [task.nodeId || '-', `attempt ${task.attempt}`, task.name, progress, task.message];
  return `${time}  ${task.id}  ${state}  ${harmless(rest.filter((word) => word !== '').join('  '))}`;
}
