/** `muster node drain|resume|delete`: takes a host out of work and back, and forgets it. */
import { create } from '@bufbuild/protobuf';
import { DrainEnd, DrainState, NodeSchema } from '../../../proto/gen/muster/v1/node_pb.ts';
import type { Node } from '../../../proto/gen/muster/v1/node_pb.ts';
import { DrainNodeRequestSchema } from '../../../proto/gen/muster/v1/node_service_pb.ts';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { BOUNDS } from '../bounds.ts';
import type { ClientFlags } from '../client-flags.ts';
import type { Connection } from '../connection.ts';
import { unary, withConnection } from '../connection.ts';
import { parseDuration } from '../duration.ts';
import { EXIT } from '../exit.ts';
import { CliFault, UsageFault } from '../fault.ts';
import { drainText } from '../node-view.ts';
import {
  messageJson,
  type OutputForm,
  outputForm,
  printDeleted,
  printDocument,
  printLines,
} from '../output.ts';
import { Reconnect } from '../reconnect.ts';
import { note, stdout } from '../sink.ts';

export interface DrainFlags extends ClientFlags {
  readonly deadline?: string;
  readonly then?: string;
  readonly note?: string;
  readonly wait?: boolean;
}

/** How often `--wait` looks. */
const POLL_MS = 500;

const ENDS: Readonly<Record<string, DrainEnd>> = { stop: DrainEnd.STOP, leave: DrainEnd.LEAVE };

/** Drains a node, with --wait until it is drained; returns the exit code. */
export async function drainNode(id: string, flags: DrainFlags): Promise<number> {
  const form = outputForm(flags.output);
  const onDeadline = ENDS[flags.then ?? 'stop'];
  if (onDeadline === undefined) {
    throw new UsageFault(`--then: '${flags.then}' is not allowed; use stop or leave`);
  }
  if (flags.then !== undefined && flags.deadline === undefined) {
    throw new UsageFault('--then: it needs a --deadline after which something is to be done');
  }
  const request = create(DrainNodeRequestSchema, { id, onDeadline, note: flags.note ?? '' });
  if (flags.deadline !== undefined) {
    request.deadline = durationFromMs(
      parseDuration(flags.deadline, '--deadline', BOUNDS.drainDeadline),
    );
  }
  return await withConnection(flags, async (connection) => {
    let node = requireNode(await connection.nodes.drainNode(request, unary), id);
    if (flags.wait === true) node = await untilDrained(connection, node);
    return await printNode(node, form);
  });
}

export async function resumeNode(id: string, flags: ClientFlags): Promise<number> {
  const form = outputForm(flags.output);
  return await withConnection(flags, async ({ nodes }) =>
    printNode(requireNode(await nodes.resumeNode({ id }, unary), id), form),
  );
}

export async function deleteNode(id: string, flags: ClientFlags): Promise<number> {
  const form = outputForm(flags.output);
  return await withConnection(flags, async ({ nodes }) => {
    await nodes.deleteNode({ id }, unary);
    await printDeleted(form, 'id', id);
    return EXIT.ok;
  });
}

/** Says on standard error how many tasks are at work, whenever that changes. A supervisor that is away meanwhile does not end it. */
async function untilDrained(connection: Connection, drained: Node): Promise<Node> {
  const { nodes } = connection;
  const reconnect = new Reconnect(connection);
  // It has answered the drain.
  reconnect.progressed();
  let node = drained;
  let last = '';
  for (;;) {
    const { drain } = node;
    if (drain === undefined) throw new CliFault(`node ${node.id} has been resumed meanwhile`);
    if (drain.state === DrainState.DRAINED) return node;
    const text = drainText(node);
    if (text !== last) await note(`${node.id}: ${text}`);
    last = text;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    const { id } = node;
    node = requireNode(await reconnect.run(() => nodes.getNode({ id }, unary)), id);
  }
}

function requireNode({ node }: { readonly node?: Node | undefined }, id: string): Node {
  if (node === undefined) throw new CliFault(`the supervisor has returned no node ${id}`);
  return node;
}

async function printNode(node: Node, form: OutputForm): Promise<number> {
  if (form === 'json') await printDocument(messageJson(NodeSchema, node));
  else if (form === 'jsonl') await printLines([messageJson(NodeSchema, node)]);
  else await stdout.write(`${node.id}  ${drainText(node) || 'takes tasks'}\n`);
  return EXIT.ok;
}
