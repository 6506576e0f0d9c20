/**
 * The plans that PostgreSQL really carried out, for tests: which indexes a function of db/ used, and which tables it read whole.
 *
 * Plans come from auto_explain, so they are those of the statements as they are sent, with their parameters, also inside functions.
 */
import { connectDatabase } from './connect.ts';
import type { Sql } from './connect.ts';

/** What the statements of one call did. Names in order, each once. */
export interface Plans {
  readonly indexes: readonly string[];
  /** Tables that were read whole. */
  readonly scanned: readonly string[];
}

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly Plans?: readonly PlanNode[];
}

/** Indexes of partitions count as those of the whole table. */
const OF_PARTITION = /_(first|other|\d{8})(?=_)/;
const PLAN = /plan:\n([\s\S]*)$/;

/** A connection that tells its plans. */
export interface Explainer {
  explain(run: (sql: Sql) => Promise<unknown>): Promise<Plans>;
  close(): Promise<void>;
}

/** Connects as a superuser: others may not load auto_explain. */
export async function connectExplainer(url: string): Promise<Explainer> {
  let notices: string[] = [];
  const log = (line: string) => void notices.push(line);
  const database = await connectDatabase({ url, maxConnections: 1, log });
  const { sql } = database;
  await sql.unsafe(`
    load 'auto_explain';
    set auto_explain.log_level = notice;
    set auto_explain.log_format = json;
    set auto_explain.log_nested_statements = on;
    set auto_explain.log_min_duration = 0;`);
  return {
    close: () => database.close(),
    async explain(run) {
      notices = [];
      await run(sql);
      const nodes = notices.flatMap((notice) => {
        const text = PLAN.exec(notice)?.[1];
        return text === undefined
          ? []
          : [...nodesOf((JSON.parse(text) as { Plan: PlanNode }).Plan)];
      });
      const scans = nodes.filter((node) => node['Node Type'] === 'Seq Scan');
      return {
        indexes: unique(nodes.map((node) => node['Index Name']?.replace(OF_PARTITION, ''))),
        scanned: unique(scans.map((node) => node['Relation Name'])),
      };
    },
  };
}

function* nodesOf(node: PlanNode): Iterable<PlanNode> {
  yield node;
  for (const child of node.Plans ?? []) yield* nodesOf(child);
}

function unique(names: readonly (string | undefined)[]): string[] {
  return [...new Set(names.filter((name) => name !== undefined))].sort();
}
