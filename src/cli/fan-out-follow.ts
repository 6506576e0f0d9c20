/**
 * Follows a fan-out to its end: a line of progress, failures by name as they come, and the output of the nodes.
 *
 * Children are watched by their parent; one that is over is shown once, however often the stream tells it again after a lost
 * connection. Output is read when a child has ended, a few at a time, so that thousands of nodes cost no thousands of streams.
 */
import { Code, ConnectError } from '@connectrpc/connect';
import { readChildOutput } from './child-output.ts';
import { printChildRecords } from './child-records.ts';
import { foldNodes } from './fold-nodes.ts';
import type { Task } from '../../proto/gen/muster/v1/task_pb.ts';
import { type OutputStream, TaskSchema, TaskState } from '../../proto/gen/muster/v1/task_pb.ts';
import type { Connection } from './connection.ts';
import { unary } from './connection.ts';
import { isFinal } from './exit-code.ts';
import { gatheredBlock, prefixedLines, progressLine } from './fan-out-view.ts';
import { WaitingChildren } from './fan-out-waiting.ts';
import { hasColours, messageJson, printDocument, printLines, stdoutStyle } from './output.ts';
import type { OutputForm } from './output.ts';
import type { Reconnect } from './reconnect.ts';
import { note, stderr, stdout } from './sink.ts';
import { createStyle } from './style.ts';
import { requireTask } from './task-line.ts';
import { failureLine } from './task-view.ts';

/** Children whose output is read at once. */
const READERS = 8;
const REDRAW_MS = 200;
/** How often children that wait are looked for. */
const LOOK_MS = 1_000;

/**
 * How the nodes are shown: only failures are named, or lines behind node names, or equal output once, or results of calls, or lines
 * of output as documents.
 */
export type FanOutShow = 'failures' | 'prefix' | 'gather' | 'results' | 'records';

export interface FanOutFollowOptions {
  readonly connection: Connection;
  readonly reconnect: Reconnect;
  readonly show: FanOutShow;
  readonly form: OutputForm;
  /** Leaves the fan-out to itself. */
  readonly signal: AbortSignal;
  /** Of which streams output is shown. Default: both. */
  readonly isWanted?: (stream: OutputStream) => boolean;
}

/** Shows a fan-out until it is over, and returns it as it ended. */
export async function followFanOut(parent: Task, options: FanOutFollowOptions): Promise<Task> {
  return await new FanOutFollow(parent, options).follow();
}

class FanOutFollow {
  readonly #options: FanOutFollowOptions;
  #parent: Task;
  /** Children that are over, by id. */
  readonly #ended = new Map<string, Task>();
  readonly #outputs = new Map<string, string[]>();
  readonly #waiting = new WaitingChildren();
  readonly #style = createStyle(process.stderr, process.env);
  #underWay = new Set<Promise<void>>();
  #isDrawn = false;
  #isLooking = false;
  #isOver = false;

  constructor(parent: Task, options: FanOutFollowOptions) {
    this.#parent = parent;
    this.#options = options;
  }

  async follow(): Promise<Task> {
    const { form } = this.#options;
    const redraw = setInterval(() => void this.#draw(), REDRAW_MS);
    const look = setInterval(() => void this.#sayWaiting(), LOOK_MS);
    try {
      await this.#watchChildren();
      await Promise.all(this.#underWay);
      this.#parent = await this.#waitForParent();
    } finally {
      clearInterval(redraw);
      clearInterval(look);
      this.#isOver = true;
      await this.#erase();
    }
    if (this.#options.show === 'gather') await this.#printGathered();
    if (form === 'json') await this.#printDocument();
    await this.#sayEnd();
    return this.#parent;
  }

  get #total(): number {
    return this.#parent.fanOut?.total ?? 0;
  }

  async #watchChildren(): Promise<void> {
    const { connection, reconnect, signal } = this.#options;
    const filter = { parentId: this.#parent.id };
    await reconnect.run(async () => {
      if (this.#ended.size >= this.#total) return;
      for await (const { task } of connection.tasks.watchTasks({ filter }, { signal })) {
        reconnect.progressed();
        if (task === undefined) continue;
        this.#waiting.see(task, performance.now());
        if (!isFinal(task) || this.#ended.has(task.id)) continue;
        this.#ended.set(task.id, task);
        await this.#show(await this.#withResult(task));
        if (this.#ended.size >= this.#total) return;
      }
      throw new ConnectError('the stream of changes has ended', Code.Unavailable);
    }, signal);
  }

  /** The last child is over a moment before its fan-out is. */
  async #waitForParent(): Promise<Task> {
    const { connection, reconnect, signal } = this.#options;
    const { id } = this.#parent;
    for (;;) {
      const task = requireTask(
        await reconnect.run(() => connection.tasks.waitTask({ id }, { signal }), signal),
      );
      if (isFinal(task)) return task;
    }
  }

  async #show(child: Task): Promise<void> {
    const { show, form } = this.#options;
    const isRecords = show === 'records';
    if (form === 'jsonl' && !isRecords) await printLines([messageJson(TaskSchema, child)]);
    if (form !== 'table' && !isRecords) return;
    const isFailure = child.state !== TaskState.COMPLETED;
    if (isFailure && (child.attempt > 0 || child.reason === 'node_offline')) {
      await this.#erase();
      await note(failureLine(child));
    }
    if (show === 'failures' || child.attempt === 0) return;
    if (this.#underWay.size >= READERS) await Promise.race(this.#underWay);
    if (show === 'results' && isFailure) return;
    const read = show === 'results' ? this.#printResult(child) : this.#readOutput(child);
    const reading = read.finally(() => this.#underWay.delete(reading));
    this.#underWay.add(reading);
    // A failure is thrown where all are awaited.
    reading.catch(() => undefined);
  }

  /** Only GetTask has the result of a call, which documents show. */
  async #withResult(child: Task): Promise<Task> {
    const { show, form } = this.#options;
    if (show !== 'results' || form === 'table') return child;
    const whole = await this.#read(child.id);
    this.#ended.set(child.id, whole);
    return whole;
  }

  async #read(id: string): Promise<Task> {
    const { connection, reconnect, signal } = this.#options;
    return requireTask(
      await reconnect.run(() => connection.tasks.getTask({ id }, { ...unary, signal }), signal),
    );
  }

  async #printResult({ id, nodeId }: Task): Promise<void> {
    const { resultJson = 'null' } = await this.#read(id);
    await this.#erase();
    await stdout.write(`{${JSON.stringify(nodeId)}: ${resultJson}}\n`);
  }

  async #readOutput(child: Task): Promise<void> {
    const { connection, reconnect, show, signal, isWanted } = this.#options;
    if (show === 'records') {
      const wanted = isWanted ?? (() => true);
      await printChildRecords(connection, reconnect, child, { signal, isWanted: wanted });
      return;
    }
    const options = isWanted === undefined ? { signal } : { signal, isWanted };
    const { output, rest } = await readChildOutput(connection, reconnect, child, options);
    if (show === 'prefix') {
      await this.#erase();
      const more = rest === '' ? '' : `${child.nodeId}: ${rest}`;
      await stdout.write(prefixedLines(child.nodeId, output, hasColours()) + more);
    } else {
      const text = new TextDecoder().decode(output) + rest;
      const nodes = this.#outputs.get(text) ?? [];
      nodes.push(child.nodeId);
      this.#outputs.set(text, nodes);
    }
  }

  /** The largest set of nodes first. */
  async #printGathered(): Promise<void> {
    if (this.#options.form !== 'table') return;
    const groups = [...this.#outputs].sort(([, a], [, b]) => b.length - a.length);
    for (const [text, nodes] of groups) {
      await stdout.write(gatheredBlock(foldNodes(nodes), nodes.length, text, stdoutStyle()));
    }
  }

  async #printDocument(): Promise<void> {
    const children = [...this.#ended.values()]
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .map((child) => messageJson(TaskSchema, child));
    await printDocument({ ...messageJson(TaskSchema, this.#parent), children });
  }

  async #sayEnd(): Promise<void> {
    const { fanOut } = this.#parent;
    if (fanOut === undefined) return;
    await stderr.write(`${progressLine(fanOut, this.#style)}\n`).catch(() => undefined);
    const bad = [...this.#ended.values()].filter((child) => child.state !== TaskState.COMPLETED);
    if (bad.length === 0) return;
    const names = foldNodes(bad.map((child) => child.nodeId));
    await note(
      `${bad.length} not completed: ${names}; to run those again: muster task retry --failed ${this.#parent.id}`,
    );
  }

  /** Names the nodes that are waited for. What cannot be asked now is asked at the next look. */
  async #sayWaiting(): Promise<void> {
    if (this.#isLooking || this.#isOver) return;
    this.#isLooking = true;
    const { tasks } = this.#options.connection;
    const read = async (id: string) => requireTask(await tasks.getTask({ id }, unary));
    const sentences = await this.#waiting.explain(performance.now(), read).catch(() => []);
    this.#isLooking = false;
    if (sentences.length === 0 || this.#isOver) return;
    await this.#erase();
    for (const sentence of sentences) await note(sentence);
  }

  async #draw(): Promise<void> {
    if (!stderr.isTTY || this.#options.form !== 'table') return;
    const { fanOut } = this.#parent;
    if (fanOut === undefined) return;
    const { id } = this.#parent;
    const { task } = await this.#options.connection.tasks
      .getTask({ id }, unary)
      .catch(() => ({ task: undefined }));
    if (task?.fanOut === undefined) return;
    this.#isDrawn = true;
    const counts = this.#waiting.counted(task.fanOut);
    await stderr
      .write(`\r\u001b[K${progressLine(counts, this.#style, stderr.columns)}`)
      .catch(() => undefined);
  }

  async #erase(): Promise<void> {
    if (!this.#isDrawn) return;
    this.#isDrawn = false;
    await stderr.write('\r\u001b[K').catch(() => undefined);
  }
}
