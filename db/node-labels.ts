/**
 * The labels that the server gives to a node, over those of its agent. Written by NodeService.UpdateNode.
 *
 * `labels` is always `agent_labels || server_labels`: every statement that writes one of the two writes the merge with it, and
 * openNodeSession in nodes.ts does the same for the agent's part.
 */
import type { Sql } from './connect.ts';

/** Labels that the server may give to one node. */
export const MAX_SERVER_LABELS = 64;

/** What is to change; a key in both is set. */
export interface NodeLabelChange {
  readonly set: Readonly<Record<string, string>>;
  readonly remove: readonly string[];
}

/**
 * Changes the server's labels of a node in one step: changes made at the same time are merged, none is lost.
 *
 * @returns false if the node is unknown or would have more than `MAX_SERVER_LABELS`; nothing is changed then
 */
export async function updateNodeLabels(
  sql: Sql,
  nodeId: string,
  { set, remove }: NodeLabelChange,
): Promise<boolean> {
  const changed = sql`((server_labels - ${[...remove]}::text[]) || ${JSON.stringify(set)}::text::jsonb)`;
  const rows = await sql`
    update nodes
    set server_labels = ${changed}, labels = agent_labels || ${changed}
    where id = ${nodeId} and (select count(*) from jsonb_object_keys(${changed})) <= ${MAX_SERVER_LABELS}
    returning id`;
  return rows.length === 1;
}
