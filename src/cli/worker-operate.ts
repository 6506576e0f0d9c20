/** `muster worker start`, `stop` and `restart`: asks something of workers, and waits for it if wanted. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Worker,
  WorkerOperation,
  WorkerSchema,
  WorkerState,
} from '../../proto/gen/muster/v1/worker_pb.ts';
import type { ClientFlags } from './client-flags.ts';
import { type Connection, unary, withConnection } from './connection.ts';
import { EXIT } from './exit.ts';
import { CliFault } from './fault.ts';
import { messageJson, outputForm, printDocument, printLines } from './output.ts';
import { Reconnect } from './reconnect.ts';
import { note, stdout } from './sink.ts';
import { harmless } from './table.ts';
import { parseWorkerName, workerName, workerState } from './worker-view.ts';

export type WorkerVerb = 'start' | 'stop' | 'restart';

export interface OperateFlags extends ClientFlags {
  readonly wait?: boolean;
}

const OPERATIONS: Readonly<Record<WorkerVerb, WorkerOperation>> = {
  start: WorkerOperation.START,
  stop: WorkerOperation.STOP,
  restart: WorkerOperation.RESTART,
};

const POLL_MS = 250;

/** Asks the same of each worker, given as NODE/NAME; returns the exit code. */
export async function operateWorkers(
  verb: WorkerVerb,
  names: readonly string[],
  flags: OperateFlags,
): Promise<number> {
  const form = outputForm(flags.output);
  const keys = names.map(parseWorkerName);
  return await withConnection(flags, async (connection) => {
    const workers: Worker[] = [];
    for (const key of keys) {
      const request = { ...key, operation: OPERATIONS[verb] };
      workers.push(workerIn(await connection.nodes.operateWorker(request, unary)));
    }
    if (flags.wait === true) {
      for (const [index, worker] of workers.entries()) {
        workers[index] = await settled(connection, worker);
      }
    }
    const documents = workers.map((worker) => messageJson(WorkerSchema, worker));
    if (form === 'jsonl') await printLines(documents);
    else if (form === 'json') {
      await printDocument(documents.length === 1 ? documents[0] : { workers: documents });
    } else await printSentences(verb, workers, flags.wait === true);
    const isBad = (worker: Worker) => flags.wait === true && !isAsWanted(verb, worker);
    return workers.some(isBad) ? EXIT.failure : EXIT.ok;
  });
}

/** Polls a worker until its agent has taken on what is asked and has nothing more to do for it. */
async function settled(connection: Connection, worker: Worker): Promise<Worker> {
  if (!worker.connected) {
    await note(`node ${worker.nodeId} is not connected; waiting for it`);
  }
  return await new Reconnect(connection).run(async () => {
    for (;;) {
      const found = await findWorker(connection, worker);
      if (found === undefined) throw new CliFault(`worker ${workerName(worker)} is gone`);
      const isSettled =
        found.connected &&
        found.pending === WorkerOperation.UNSPECIFIED &&
        found.asked === WorkerOperation.UNSPECIFIED &&
        found.state !== WorkerState.STARTING;
      if (isSettled) return found;
      await sleep(POLL_MS);
    }
  });
}

async function findWorker(
  connection: Connection,
  { nodeId, name }: Worker,
): Promise<Worker | undefined> {
  let pageToken = '';
  do {
    const page = await connection.nodes.listWorkers({ nodeId, pageSize: 200, pageToken }, unary);
    const found = page.workers.find((one) => one.name === name);
    if (found !== undefined) return found;
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return undefined;
}

function isAsWanted(verb: WorkerVerb, { state }: Worker): boolean {
  const isStopped = state === WorkerState.STOPPED;
  if (verb === 'stop') return isStopped;
  return state === WorkerState.IDLE || state === WorkerState.BUSY;
}

async function printSentences(
  verb: WorkerVerb,
  workers: readonly Worker[],
  isSettled: boolean,
): Promise<void> {
  for (const worker of workers) {
    const { nodeId, connected, why } = worker;
    const state = workerState(worker);
    const rest = isSettled
      ? `${state}${why === '' || worker.state === WorkerState.BUSY ? '' : `: ${harmless(why)}`}`
      : connected
        ? `${verb} asked for`
        : `${verb} asked for; node ${nodeId} is not connected and does it when it is`;
    await stdout.write(`${workerName(worker)}  ${rest}\n`);
  }
}

function workerIn({ worker }: { worker?: Worker | undefined }): Worker {
  if (worker === undefined) throw new CliFault('the supervisor has returned no worker');
  return worker;
}
