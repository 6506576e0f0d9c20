/**
 * `muster run`: creates a task, shows its output as it comes, and ends as the remote command did.
 *
 * A restarting supervisor does not break it: the task is created under a request id, and the output goes on from its
 * offsets. Ctrl-C cancels the task and goes on until its end; a second one leaves it to itself. A reader that closes our
 * standard output ends this command, not the task.
 */
import { randomUUID } from 'node:crypto';
import type { Task } from '../../proto/gen/muster/v1/task_pb.ts';
import { TaskSchema, TaskState } from '../../proto/gen/muster/v1/task_pb.ts';
import type { Connection } from './connection.ts';
import { unary, withConnection } from './connection.ts';
import { EXIT } from './exit.ts';
import { exitCodeOf } from './exit-code.ts';
import { asConnectError, isIllegalTransition } from './explain.ts';
import { showOf } from './fan-out-flags.ts';
import { followFanOut, type FanOutShow } from './fan-out-follow.ts';
import { CliFault, UsageFault } from './fault.ts';
import { followOutput } from './follow.ts';
import { countInterrupts } from './interrupt.ts';
import { printResolved } from './node/resolve.ts';
import type { OutputForm } from './output.ts';
import { messageJson, outputForm, printDocument, printLines } from './output.ts';
import type { OutputWriter } from './output-writer.ts';
import { createAsideWriter, createOutputWriter } from './output-writer.ts';
import { Reconnect } from './reconnect.ts';
import type { RunFlags, TaskFlags } from './run-spec.ts';
import { buildSpec } from './run-spec.ts';
import { selectionOf } from './selection-flags.ts';
import { note, stderr, stdout } from './sink.ts';
import { requireTask } from './task-line.ts';
import { endSentence, stateName } from './task-view.ts';

/** After this long without output a person at a terminal is told what the task waits for. */
const PATIENCE_MS = 3000;

type Spec = Awaited<ReturnType<typeof buildSpec>>;

/** Creates and follows the task; returns the exit code. */
export async function run(words: readonly string[], flags: RunFlags): Promise<number> {
  outputForm(flags.output);
  return await runSpec(await buildSpec(flags, words, Date.now()), flags);
}

/** Creates a task of this spec and follows it; returns the exit code. */
export async function runSpec(
  spec: Spec,
  flags: TaskFlags,
  use: StdoutUse = 'output',
): Promise<number> {
  const form = outputForm(flags.output);
  // Said before anything is created.
  showOf(flags);
  return await withConnection(flags, async (connection) => {
    if (flags.dryRun === true) return await preview(connection, flags, form);
    return (await followSpec(connection, spec, flags, form, use)).code;
  });
}

/** A task that was followed: the exit code, and how it ended; no task where it was left to itself. */
export interface Followed {
  readonly code: number;
  readonly task: Task | undefined;
}

/**
 * What standard output is for: what the task writes, the few lines with which an action answers, the result of a call, or nothing
 * of the task. The rest goes to standard error.
 */
export type StdoutUse = 'output' | 'answer' | 'result' | 'nothing';

/** What is shown of many nodes if no flag says it. */
const USUAL_SHOW: Readonly<Record<StdoutUse, FanOutShow>> = {
  output: 'failures',
  answer: 'gather',
  result: 'results',
  nothing: 'failures',
};

/** Creates a task of this spec over an open connection and follows it. */
export async function followSpec(
  connection: Connection,
  spec: Spec,
  flags: TaskFlags,
  form: OutputForm,
  use: StdoutUse = 'output',
): Promise<Followed> {
  const execution = new Execution(connection, flags, form, use);
  const code = await execution.perform(spec);
  return { code, task: execution.final };
}

/** Names the nodes, and creates nothing. */
async function preview({ nodes }: Connection, flags: TaskFlags, form: OutputForm): Promise<number> {
  const selection = selectionOf(flags);
  if (selection === null)
    throw new UsageFault('--dry-run is for many nodes; choose them with -n, -l, -g or --all');
  await printResolved(await nodes.resolveNodes({ selection }, unary), form);
  return EXIT.ok;
}

class Execution {
  readonly #connection: Connection;
  readonly #reconnect: Reconnect;
  readonly #flags: TaskFlags;
  readonly #form: OutputForm;
  readonly #use: StdoutUse;
  /** Aborted by the second Ctrl-C. */
  readonly #leaving = new AbortController();
  #task: Task | undefined;
  #isCancelAsked = false;
  /** The task as it ended. */
  final: Task | undefined;

  constructor(connection: Connection, flags: TaskFlags, form: OutputForm, use: StdoutUse) {
    this.#connection = connection;
    this.#reconnect = new Reconnect(connection);
    this.#flags = flags;
    this.#form = form;
    this.#use = use;
  }

  async perform(spec: Spec): Promise<number> {
    const interrupts = countInterrupts(
      () => {
        this.#isCancelAsked = true;
        if (this.#task !== undefined) void this.#cancel(this.#task.id);
      },
      () => this.#leaving.abort(),
    );
    try {
      const task = await this.#create(spec);
      this.#task = task;
      if (this.#isCancelAsked) void this.#cancel(task.id);
      if (this.#flags.detach === true) return await this.#printCreated(task);
      if (task.fanOut !== undefined) return await this.#followFanOut(task);
      return await this.#follow(task);
    } catch (error) {
      if (!this.#leaving.signal.aborted) throw error;
      await this.#sayLeft();
      return EXIT.cancelled;
    } finally {
      interrupts.close();
    }
  }

  /** The same request id every time: whatever happens to the connection, there is one task. */
  async #create(spec: Spec): Promise<Task> {
    const requestId = randomUUID();
    const { signal } = this.#leaving;
    const { task } = await this.#reconnect.run(
      () => this.#connection.tasks.createTask({ spec, requestId }, { ...unary, signal }),
      signal,
    );
    if (task === undefined) throw new CliFault('the supervisor has returned no task');
    return task;
  }

  async #printCreated(task: Task): Promise<number> {
    if (this.#form === 'table') await stdout.write(`${task.id}\n`);
    else if (this.#form === 'json') await printDocument(messageJson(TaskSchema, task));
    else await printLines([messageJson(TaskSchema, task)]);
    return EXIT.ok;
  }

  async #follow({ id }: Task): Promise<number> {
    if (this.#flags.hold === true)
      await note(`task ${id} is held until: muster task execute ${id}`);
    const isResult = this.#use === 'result' && this.#form === 'table';
    const isAside = this.#use === 'nothing' || isResult || this.#form === 'json';
    const writer = isAside ? createAsideWriter() : createOutputWriter(this.#form);
    const patience = setTimeout(() => void this.#sayWaiting(id), PATIENCE_MS);
    patience.unref();
    const reader: OutputWriter = {
      ...writer,
      chunk: (chunk) => {
        clearTimeout(patience);
        return writer.chunk(chunk);
      },
    };
    const request = { id, waits: true, signal: this.#leaving.signal };
    const final = await followOutput(this.#connection, this.#reconnect, request, reader).finally(
      () => clearTimeout(patience),
    );
    if (final === undefined) throw new CliFault(`the end of task ${id} did not come`);
    // Only GetTask has the result.
    const isWhole = this.#use === 'result' || this.#form === 'json';
    const shown = isWhole ? await this.#read(id) : final;
    this.final = shown;
    await writer.end(shown);
    if (this.#form === 'json') await printDocument(messageJson(TaskSchema, shown));
    else if (isResult && shown.resultJson !== undefined)
      await stdout.write(`${shown.resultJson}\n`);
    const sentence = endSentence(final);
    if (sentence !== '') await note(sentence);
    return exitCodeOf(final);
  }

  async #followFanOut(task: Task): Promise<number> {
    if (this.#flags.hold === true)
      await note(`fan-out ${task.id} is held until: muster task execute ${task.id}`);
    const final = await followFanOut(task, {
      connection: this.#connection,
      reconnect: this.#reconnect,
      show: showOf(this.#flags, USUAL_SHOW[this.#use]),
      form: this.#form,
      signal: this.#leaving.signal,
    });
    this.final = final;
    return exitCodeOf(final);
  }

  async #read(id: string): Promise<Task> {
    return requireTask(
      await this.#reconnect.run(() => this.#connection.tasks.getTask({ id }, unary)),
    );
  }

  /** Asks for the end of the task. That it is over already is no failure. */
  async #cancel(id: string): Promise<void> {
    await note(`cancelling task ${id}; Ctrl-C again leaves it to itself`);
    const { signal } = this.#leaving;
    try {
      await this.#reconnect.run(
        () => this.#connection.tasks.cancelTask({ id, note: 'Ctrl-C' }, { ...unary, signal }),
        signal,
      );
    } catch (error) {
      const failure = asConnectError(error);
      if (signal.aborted || failure === undefined || isIllegalTransition(failure)) return;
      await note(`cannot cancel task ${id}: ${this.#connection.explain(failure)}`);
    }
  }

  async #sayWaiting(id: string): Promise<void> {
    if (!stderr.isTTY) return;
    const { task } = await this.#connection.tasks
      .getTask({ id }, unary)
      .catch(() => ({ task: undefined }));
    if (task?.state !== TaskState.PENDING) return;
    await note(`task ${id} is ${stateName(task)}${task.message === '' ? '' : `: ${task.message}`}`);
  }

  async #sayLeft(): Promise<void> {
    const id = this.#task?.id;
    await note(
      id === undefined
        ? 'left before the supervisor has answered; muster task list shows whether there is a task'
        : `left task ${id} to itself; to follow it: muster task logs ${id} --follow`,
    );
  }
}
