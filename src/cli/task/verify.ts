/**
 * `muster task verify`: replays the history of tasks and compares it with what is stored.
 *
 * The exit code is 1 when one is not clean. With --all every stored task is verified, a few at a time, and only those that are not
 * clean are named.
 */
import type { JsonObject } from '@bufbuild/protobuf';
import { Code } from '@connectrpc/connect';
import type { VerifyTaskResponse } from '../../../proto/gen/muster/v1/task_service_pb.ts';
import { VerifyTaskResponseSchema } from '../../../proto/gen/muster/v1/task_service_pb.ts';
import type { ClientFlags } from '../client-flags.ts';
import type { Connection } from '../connection.ts';
import { unary, withConnection } from '../connection.ts';
import { EXIT } from '../exit.ts';
import { asConnectError } from '../explain.ts';
import { UsageFault } from '../fault.ts';
import type { OutputForm } from '../output.ts';
import { messageJson, outputForm, printDocument, printLines } from '../output.ts';
import { allTaskPages } from '../pages.ts';
import { stdout } from '../sink.ts';
import { harmless } from '../table.ts';
import { resolveTaskId } from '../task-id.ts';

export interface VerifyFlags extends ClientFlags {
  readonly all?: boolean;
}

/** How many tasks of a page are verified at once. */
const PARALLEL = 8;

/** Verifies tasks; returns the exit code. */
export async function verifyTasks(ids: readonly string[], flags: VerifyFlags): Promise<number> {
  const form = outputForm(flags.output);
  if (flags.all === true ? ids.length > 0 : ids.length === 0) {
    throw new UsageFault('give the ids of tasks, or --all');
  }
  return await withConnection(flags, async (connection) => {
    const tally = new Tally(form, ids.length === 1, flags.all === true);
    if (flags.all === true) await verifyAll(connection, tally);
    else await verifyEach(connection, ids, tally);
    return await tally.end();
  });
}

async function verifyEach(connection: Connection, ids: readonly string[], tally: Tally) {
  for (const text of ids) {
    const id = await resolveTaskId(connection, text);
    await tally.add(id, await connection.tasks.verifyTask({ id }, unary));
  }
}

async function verifyAll(connection: Connection, tally: Tally): Promise<void> {
  for await (const page of allTaskPages(connection, {})) {
    for (let at = 0; at < page.length; at += PARALLEL) {
      const part = page.slice(at, at + PARALLEL);
      const results = await Promise.all(part.map(({ id }) => verifyStored(connection, id)));
      for (const [index, result] of results.entries()) {
        if (result !== undefined) await tally.add(part[index]?.id ?? '', result);
      }
    }
  }
}

/** A task may be deleted between the list and its turn. */
async function verifyStored(
  connection: Connection,
  id: string,
): Promise<VerifyTaskResponse | undefined> {
  try {
    return await connection.tasks.verifyTask({ id }, unary);
  } catch (error) {
    if (asConnectError(error)?.code === Code.NotFound) return undefined;
    throw error;
  }
}

/** Prints results as they come and remembers what they amount to. */
class Tally {
  readonly #form: OutputForm;
  readonly #isSingle: boolean;
  readonly #hidesClean: boolean;
  readonly #documents: JsonObject[] = [];
  #count = 0;
  #transitions = 0;
  #unclean = 0;
  #expired = 0;

  constructor(form: OutputForm, isSingle: boolean, hidesClean: boolean) {
    this.#form = form;
    this.#isSingle = isSingle;
    this.#hidesClean = hidesClean;
  }

  async add(id: string, result: VerifyTaskResponse): Promise<void> {
    this.#count += 1;
    this.#transitions += result.transitions;
    if (!result.clean) this.#unclean += 1;
    if (result.expired) this.#expired += 1;
    const document = { id, ...messageJson(VerifyTaskResponseSchema, result) };
    if (this.#form === 'json') this.#documents.push(document);
    else if (this.#form === 'jsonl') await printLines([document]);
    else if (!result.clean || !this.#hidesClean) await stdout.write(describe(id, result));
  }

  async end(): Promise<number> {
    if (this.#form === 'json') {
      const [first] = this.#documents;
      await printDocument(this.#isSingle ? first : { tasks: this.#documents });
    } else if (this.#form === 'table' && !this.#isSingle) {
      const rest = this.#expired === 0 ? 'all clean' : 'the others clean';
      const expired = this.#expired === 0 ? '' : `${this.#expired} with an expired history, `;
      const verdict = expired + (this.#unclean === 0 ? rest : `${this.#unclean} not clean`);
      await stdout.write(
        `${this.#count} ${this.#count === 1 ? 'task' : 'tasks'}, ${this.#transitions} transitions: ${verdict}\n`,
      );
    }
    return this.#unclean === 0 ? EXIT.ok : EXIT.failure;
  }
}

function describe(id: string, result: VerifyTaskResponse): string {
  const { clean, transitions, differences, expired } = result;
  if (expired) return `${id}  - its history has expired, there is nothing to replay\n`;
  const verdict = clean ? '✓ clean' : '✗ not clean';
  const lines = differences.map((difference) => `  ${harmless(difference)}\n`);
  return `${id}  ${verdict}, ${transitions} transitions\n${lines.join('')}`;
}
