/**
 * `muster task inspect`: the machine of a task, live.
 *
 * On a terminal one picture that is drawn again with each step and each second; elsewhere a line for each step, from the first on. It
 * ends with the task.
 */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError } from '@connectrpc/connect';
import type { Machine } from '../../../proto/gen/muster/v1/machine_pb.ts';
import { type Task, TaskType, type Transition } from '../../../proto/gen/muster/v1/task_pb.ts';
import type { WatchTasksResponse } from '../../../proto/gen/muster/v1/task_service_pb.ts';
import type { ClientFlags } from '../client-flags.ts';
import { type Connection, unary, withConnection } from '../connection.ts';
import { EXIT } from '../exit.ts';
import { isFinal } from '../exit-code.ts';
import { CliFault, UsageFault } from '../fault.ts';
import { Reconnect } from '../reconnect.ts';
import { stdout } from '../sink.ts';
import { createStyle } from '../style.ts';
import { harmless } from '../table.ts';
import { resolveTaskId } from '../task-id.ts';
import { requireTask } from '../task-line.ts';
import { stateName } from '../task-view.ts';
import { formatTimeOfDay } from '../time.ts';
import { drawInspected, stepLine } from './inspect-view.ts';

/** More steps than fit on any terminal. */
const MAX_STEPS = 100;
/** Steps that come together are drawn together. */
const REDRAW_MS = 50;
const TICK_MS = 1_000;

/** Where steps are shown. */
interface View {
  show(task: Task, step: Transition | null): Promise<void>;
  /** The last picture. */
  close(): Promise<void>;
}

/** Shows a task until it is final or deleted; returns the exit code. */
export async function inspectTask(text: string, flags: ClientFlags): Promise<number> {
  if (flags.output !== undefined) {
    throw new UsageFault('task inspect is for eyes; for programs: muster task watch ID -o jsonl');
  }
  return await withConnection(flags, async (connection) => {
    const id = await resolveTaskId(connection, text);
    const task = requireTask(await connection.tasks.getTask({ id }, unary));
    const view = stdout.isTTY ? new Picture(await machineOf(connection, task), task) : new Lines();
    const inspection = new Inspection(id, view);
    const reconnect = new Reconnect(connection);
    try {
      await reconnect.run(() => inspection.follow(connection, reconnect.progressed));
    } finally {
      await view.close();
    }
    return EXIT.ok;
  });
}

async function machineOf(connection: Connection, { type }: Task): Promise<Machine> {
  const { machines } = await connection.machines.listMachines({}, unary);
  const name = type === TaskType.FAN_OUT ? 'fan_out' : 'task';
  const machine = machines.find((one) => one.name === name);
  if (machine === undefined) throw new CliFault(`the supervisor has no machine named ${name}`);
  return machine;
}

/** Follows the steps of a task from the first on, and after a lost connection from the last one that was shown. */
class Inspection {
  readonly #id: string;
  readonly #view: View;
  #version = 0;

  constructor(id: string, view: View) {
    this.#id = id;
    this.#view = view;
  }

  async follow({ tasks }: Connection, progressed: () => void): Promise<void> {
    const seen = [{ id: this.#id, version: this.#version }];
    for await (const change of tasks.watchTasks({ filter: { ids: [this.#id] }, seen })) {
      progressed();
      if (await this.#isOver(change)) return;
    }
    throw new ConnectError('the stream of changes has ended', Code.Unavailable);
  }

  async #isOver({ task, transition, deleted }: WatchTasksResponse): Promise<boolean> {
    if (task === undefined) throw new CliFault('the supervisor has sent a change without its task');
    if (deleted) throw new CliFault(`task ${task.id} has been deleted`);
    await this.#view.show(task, transition ?? null);
    this.#version = transition?.version ?? task.version;
    // A change brings the task as it is by now, while its steps still follow.
    return isFinal(task) && this.#version >= task.version;
  }
}

/** A line for each step. */
class Lines implements View {
  async show(task: Task, step: Transition | null): Promise<void> {
    if (step !== null) {
      await stdout.write(`${harmless(stepLine(step))}\n`);
      return;
    }
    // Progress is for the picture; what is told without a step is a task whose history has expired.
    if (task.progress !== undefined || !isFinal(task)) return;
    const at = task.updatedAt === undefined ? '' : formatTimeOfDay(timestampMs(task.updatedAt));
    await stdout.write(`${at}  ${String(task.version).padStart(3)}  ${stateName(task)}\n`);
  }

  async close(): Promise<void> {}
}

/** One picture, drawn over the former one. */
class Picture implements View {
  readonly #machine: Machine;
  #task: Task;
  #steps: Transition[] = [];
  #drawn = 0;
  #soon: NodeJS.Timeout | null = null;
  readonly #ticks: NodeJS.Timeout;

  constructor(machine: Machine, task: Task) {
    this.#machine = machine;
    this.#task = task;
    this.#ticks = setInterval(() => void this.#draw(), TICK_MS);
  }

  async show(task: Task, step: Transition | null): Promise<void> {
    this.#task = task;
    if (step !== null) this.#steps = [...this.#steps, step].slice(-MAX_STEPS);
    this.#soon ??= setTimeout(() => {
      this.#soon = null;
      void this.#draw();
    }, REDRAW_MS);
  }

  async close(): Promise<void> {
    clearInterval(this.#ticks);
    if (this.#soon !== null) clearTimeout(this.#soon);
    await this.#draw();
  }

  async #draw(): Promise<void> {
    const room = { columns: stdout.columns || 80, rows: process.stdout.rows || 24 };
    const inspected = { machine: this.#machine, task: this.#task, steps: this.#steps };
    const lines = drawInspected(inspected, Date.now(), room, createStyle(stdout, process.env));
    const back = this.#drawn === 0 ? '' : `\u001b[${this.#drawn}A`;
    this.#drawn = lines.length;
    // A terminal that is gone ends the command by itself.
    await stdout.write(`${back}\r\u001b[J${lines.join('\n')}\n`).catch(() => undefined);
  }
}
