/** What the supervisor knows and the form offers: nodes, groups, and the handlers that agents have loaded. */
import { useQuery } from '@tanstack/react-query';
import { groups, nodes } from '../../connection.ts';

export interface Known {
  readonly nodes: readonly string[];
  readonly groups: readonly string[];
  /** By name, how many nodes have it. */
  readonly handlers: ReadonlyMap<string, number>;
}

const NOTHING: Known = { nodes: [], groups: [], handlers: new Map() };
const PAGE = 200;
/** Nobody chooses from more than this; whatever else there is can be typed. */
const MAX_PAGES = 10;

async function readKnown(signal: AbortSignal): Promise<Known> {
  const ids: string[] = [];
  const handlers = new Map<string, number>();
  let pageToken = '';
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const answer = await nodes.listNodes({ pageSize: PAGE, pageToken }, { signal });
    for (const { id, facts } of answer.nodes) {
      ids.push(id);
      for (const name of facts?.handlers ?? []) handlers.set(name, (handlers.get(name) ?? 0) + 1);
    }
    pageToken = answer.nextPageToken;
    if (pageToken === '') break;
  }
  const named = await groups.listGroups({}, { signal });
  return { nodes: ids, groups: named.groups.map(({ name }) => name), handlers };
}

/** Offers are a help only: what cannot be read is not offered, and the server has the last word. */
export function useKnown(): Known {
  const { data } = useQuery({
    queryKey: ['new-task', 'known'],
    queryFn: ({ signal }) => readKnown(signal),
    staleTime: 30_000,
  });
  return data ?? NOTHING;
}
