/** `muster node label`: gives labels to a node and takes them back. */
import { NodeSchema } from '../../../proto/gen/muster/v1/node_pb.ts';
import type { ClientFlags } from '../client-flags.ts';
import { unary, withConnection } from '../connection.ts';
import { EXIT } from '../exit.ts';
import { CliFault, UsageFault } from '../fault.ts';
import { messageJson, outputForm, printDocument, printLines } from '../output.ts';
import { parsePairs } from '../pairs.ts';
import { stdout } from '../sink.ts';
import { labelsText } from '../task-view.ts';

/** Changes labels of a node; `k=v` gives one, `k-` takes it back. Returns the exit code. */
export async function labelNode(
  id: string,
  changes: readonly string[],
  flags: ClientFlags,
): Promise<number> {
  const form = outputForm(flags.output);
  const { setLabels, removeLabels } = parseChanges(changes);
  return await withConnection(flags, async (connection) => {
    const request = { id, setLabels, removeLabels };
    const { node } = await connection.nodes.updateNode(request, unary);
    if (node === undefined) throw new CliFault(`the supervisor has returned no node ${id}`);
    if (form === 'json') await printDocument(messageJson(NodeSchema, node));
    else if (form === 'jsonl') await printLines([messageJson(NodeSchema, node)]);
    else await stdout.write(`${node.id}  ${labelsText(node.labels)}\n`);
    return EXIT.ok;
  });
}

/** Reads `k=v` and `k-`. @throws UsageFault for anything else, and for a label that is named twice */
function parseChanges(changes: readonly string[]): {
  setLabels: Record<string, string>;
  removeLabels: string[];
} {
  const isRemoval = (change: string) => change.endsWith('-') && !change.includes('=');
  const removeLabels = changes.filter(isRemoval).map((change) => change.slice(0, -1));
  const setLabels = parsePairs(
    changes.filter((change) => !isRemoval(change)),
    'label',
  );
  const both = removeLabels.find((key) => Object.hasOwn(setLabels, key));
  if (both !== undefined) throw new UsageFault(`label: '${both}' is both given and taken back`);
  return { setLabels, removeLabels };
}
