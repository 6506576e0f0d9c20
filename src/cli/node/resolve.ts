/** `muster node resolve`: which nodes a selection names now. */
import { foldNodes } from '../fold-nodes.ts';
import { ResolveNodesResponseSchema } from '../../../proto/gen/muster/v1/node_service_pb.ts';
import type { ResolveNodesResponse } from '../../../proto/gen/muster/v1/node_service_pb.ts';
import type { ClientFlags } from '../client-flags.ts';
import { unary, withConnection } from '../connection.ts';
import { EXIT } from '../exit.ts';
import { UsageFault } from '../fault.ts';
import { messageJson, outputForm, printDocument, printLines } from '../output.ts';
import type { OutputForm } from '../output.ts';
import type { SelectionFlags } from '../selection-flags.ts';
import { selectionOf } from '../selection-flags.ts';
import { stdout } from '../sink.ts';

export async function resolveNodes(flags: ClientFlags & SelectionFlags): Promise<number> {
  const form = outputForm(flags.output);
  const selection = selectionOf(flags);
  if (selection === null) throw new UsageFault('choose nodes with -n, -l, -g or --all');
  return await withConnection(flags, async ({ nodes }) => {
    await printResolved(await nodes.resolveNodes({ selection }, unary), form);
    return EXIT.ok;
  });
}

/** Prints how many there are and their names, folded. */
export async function printResolved(
  resolved: ResolveNodesResponse,
  form: OutputForm,
): Promise<void> {
  const json = messageJson(ResolveNodesResponseSchema, resolved);
  if (form === 'json') return printDocument(json);
  if (form === 'jsonl') return printLines([json]);
  const { nodeIds, online } = resolved;
  const count = nodeIds.length === 1 ? '1 node' : `${nodeIds.length} nodes`;
  await stdout.write(`${count}, ${online} online: ${foldNodes(nodeIds)}\n`);
}
