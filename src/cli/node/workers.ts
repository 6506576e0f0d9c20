/** `muster node workers`: what the slots and the kept commands of nodes do, once or live. */
import { setTimeout as sleep } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { ListWorkersResponseSchema } from '../../../proto/gen/muster/v1/node_service_pb.ts';
import { type Worker, WorkerSchema, WorkerState } from '../../../proto/gen/muster/v1/worker_pb.ts';
import type { ClientFlags } from '../client-flags.ts';
import { type Connection, unary, withConnection } from '../connection.ts';
import { enumValue } from '../enums.ts';
import { EXIT } from '../exit.ts';
import { UsageFault } from '../fault.ts';
import { messageJson, outputForm, printDocument, printLines, printTable } from '../output.ts';
import { stdoutStyle } from '../output.ts';
import { parseList } from '../pairs.ts';
import { Reconnect } from '../reconnect.ts';
import { note, stdout } from '../sink.ts';
import { renderTable } from '../table.ts';
import { WORKER_COLUMNS, workerName, workerRow } from '../worker-view.ts';

export interface WorkersFlags extends ClientFlags {
  readonly state?: string[];
  readonly watch?: boolean;
}

interface Filter {
  readonly nodeId: string;
  readonly states: WorkerState[];
}

const PAGE_SIZE = 200;
const WATCH_INTERVAL_MS = 1_000;
const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

/** Lists the workers of a node, or of all; returns the exit code. */
export async function listWorkers(
  nodeId: string | undefined,
  flags: WorkersFlags,
): Promise<number> {
  const form = outputForm(flags.output);
  const filter = {
    nodeId: nodeId ?? '',
    states: parseList(flags.state).map((name) =>
      enumValue(WorkerState, 'WORKER_STATE_', name, '--state'),
    ),
  };
  if (flags.watch === true && form !== 'jsonl' && !(form === 'table' && stdout.isTTY)) {
    throw new UsageFault('--watch needs a terminal, or -o jsonl for changes, one a line');
  }
  return await withConnection(flags, async (connection) => {
    if (flags.watch === true) {
      const reconnect = new Reconnect(connection);
      await reconnect.run(() => watch(connection, filter, form === 'jsonl', reconnect.progressed));
      return EXIT.ok;
    }
    const workers = await allWorkers(connection, filter);
    if (form === 'json') {
      const all = create(ListWorkersResponseSchema, { workers });
      await printDocument(messageJson(ListWorkersResponseSchema, all));
    } else if (form === 'jsonl') await printLines(workers.map(jsonOf));
    else if (workers.length === 0) await note('no worker fits');
    else {
      const nowMs = Date.now();
      await printTable(
        WORKER_COLUMNS,
        workers.map((worker) => workerRow(worker, nowMs)),
      );
    }
    return EXIT.ok;
  });
}

/** All workers that fit, slot-2 before slot-10. */
async function allWorkers(connection: Connection, filter: Filter): Promise<Worker[]> {
  const workers: Worker[] = [];
  let pageToken = '';
  do {
    const request = { ...filter, pageSize: PAGE_SIZE, pageToken };
    const page = await connection.nodes.listWorkers(request, unary);
    workers.push(...page.workers);
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  const { compare } = new Intl.Collator('en', { numeric: true });
  return workers.sort((a, b) => compare(workerName(a), workerName(b)));
}

/** Shows them as they change, until Ctrl-C. */
async function watch(
  connection: Connection,
  filter: Filter,
  isLines: boolean,
  progressed: () => void,
): Promise<void> {
  const shown = new Map<string, string>();
  if (!isLines) await stdout.write(HOME + CLEAR_BELOW);
  for (;;) {
    const workers = await allWorkers(connection, filter);
    progressed();
    if (isLines) await printChanged(workers, shown);
    else await stdout.write(screenOf(workers));
    await sleep(WATCH_INTERVAL_MS);
  }
}

async function printChanged(workers: readonly Worker[], shown: Map<string, string>): Promise<void> {
  const changed = workers.filter((worker) => {
    const text = JSON.stringify(jsonOf(worker));
    if (shown.get(workerName(worker)) === text) return false;
    shown.set(workerName(worker), text);
    return true;
  });
  await printLines(changed.map(jsonOf));
}

/** The whole screen, over what was there; what does not fit is counted. */
function screenOf(workers: readonly Worker[]): string {
  const height = Math.max((process.stdout.rows ?? 24) - 3, 1);
  const nowMs = Date.now();
  const isAll = workers.length <= height;
  // Where not all fit, what needs somebody comes first.
  const first = isAll ? workers : workers.toSorted((a, b) => urgencyOf(b) - urgencyOf(a));
  const rows = first.slice(0, height).map((worker) => workerRow(worker, nowMs));
  const [titles = '', ...lines] = renderTable(WORKER_COLUMNS, rows, stdout.columns);
  const hidden = workers.length - rows.length;
  const end = hidden > 0 ? [`… and ${hidden} more; --state shows some of them`] : [];
  const text = [stdoutStyle().dim(titles), ...lines, ...end];
  return HOME + text.map((line) => `${line}${CLEAR_LINE}\n`).join('') + CLEAR_BELOW;
}

function urgencyOf({ state }: Worker): number {
  return [WorkerState.STOPPED, WorkerState.BACKING_OFF, WorkerState.CRASHED].findIndex(
    (one) => one === state,
  );
}

function jsonOf(worker: Worker) {
  return messageJson(WorkerSchema, worker);
}
