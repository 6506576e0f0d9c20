/** `muster node get`: everything about one node. */
import { NodeSchema } from '../../../proto/gen/muster/v1/node_pb.ts';
import type { ClientFlags } from '../client-flags.ts';
import { unary, withConnection } from '../connection.ts';
import { EXIT } from '../exit.ts';
import { CliFault } from '../fault.ts';
import { nodeDetails } from '../node-view.ts';
import { messageJson, outputForm, printDetails, printDocument, printLines } from '../output.ts';

/** Shows a node; returns the exit code. */
export async function getNode(id: string, flags: ClientFlags): Promise<number> {
  const form = outputForm(flags.output);
  return await withConnection(flags, async (connection) => {
    const { node } = await connection.nodes.getNode({ id }, unary);
    if (node === undefined) throw new CliFault(`the supervisor has returned no node ${id}`);
    if (form === 'json') await printDocument(messageJson(NodeSchema, node));
    else if (form === 'jsonl') await printLines([messageJson(NodeSchema, node)]);
    else await printDetails(nodeDetails(node, Date.now()));
    return EXIT.ok;
  });
}
