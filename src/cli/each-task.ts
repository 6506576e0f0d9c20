/**
 * Does the same to each of several tasks and reports on each.
 *
 * What fails for one task is said on standard error and does not keep the others from their turn; the exit code is 1 then. One
 * task given prints its document, several print `{"tasks": […]}`; jsonl is one line each in both cases.
 */
import type { JsonObject } from '@bufbuild/protobuf';
import type { ClientFlags } from './client-flags.ts';
import type { Connection } from './connection.ts';
import { withConnection } from './connection.ts';
import { EXIT } from './exit.ts';
import { asConnectError } from './explain.ts';
import { CliFault } from './fault.ts';
import { outputForm, printDocument, printLines } from './output.ts';
import { note, stdout } from './sink.ts';
import { resolveTaskId } from './task-id.ts';

/** What was done to one task: its message as JSON, and a line for people. */
export interface Report {
  readonly json: JsonObject;
  readonly line: string;
}

/** Calls `act` with the full id of each task, in order; returns the exit code. */
export async function eachTask(
  ids: readonly string[],
  flags: ClientFlags,
  act: (connection: Connection, id: string) => Promise<Report>,
): Promise<number> {
  const form = outputForm(flags.output);
  return await withConnection(flags, async (connection) => {
    const documents: JsonObject[] = [];
    let hasFailed = false;
    for (const text of ids) {
      const report = await attempt(connection, text, act);
      if (report === undefined) {
        hasFailed = true;
        continue;
      }
      if (form === 'table') await stdout.write(`${report.line}\n`);
      else if (form === 'jsonl') await printLines([report.json]);
      else documents.push(report.json);
    }
    if (form === 'json') {
      if (ids.length > 1) await printDocument({ tasks: documents });
      else if (documents.length === 1) await printDocument(documents[0]);
    }
    return hasFailed ? EXIT.failure : EXIT.ok;
  });
}

async function attempt(
  connection: Connection,
  text: string,
  act: (connection: Connection, id: string) => Promise<Report>,
): Promise<Report | undefined> {
  try {
    return await act(connection, await resolveTaskId(connection, text));
  } catch (error) {
    const failure = asConnectError(error);
    if (failure !== undefined) await note(connection.explain(failure));
    else if (error instanceof CliFault) await note(error.message);
    else throw error;
    return undefined;
  }
}
