/**
 * The flags that choose nodes, and the selection that they ask for. Shared by `run` and `node resolve`.
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Command } from 'commander';
import type { NodeSelectionSchema } from '../../proto/gen/muster/v1/target_pb.ts';
import { UsageFault } from './fault.ts';
import { collect } from './pairs.ts';

/** What commander makes of the flags. */
export interface SelectionFlags {
  readonly nodes?: string[];
  readonly hosts?: string[];
  readonly selector?: string;
  readonly group?: string[];
  readonly all?: boolean;
  readonly exclude?: string[];
}

/** Adds the flags to a command. */
export function addSelectionFlags(command: Command): Command {
  return command
    .option(
      '-n, --nodes <pattern>',
      'each of these nodes, as in web[01-20],db-1; repeatable',
      collect,
    )
    .option('-w, --hosts <pattern>', 'as -n, for fingers that know pdsh or clush', collect)
    .option(
      '-l, --selector <selector>',
      'each node with these labels, as in role=web,region in (eu,us),!canary',
    )
    .option(
      '-g, --group <name>',
      'each node of this group and of those below it; repeatable',
      collect,
    )
    .option('--all', 'every node')
    .option('-x, --exclude <pattern>', 'but not these; repeatable', collect);
}

/**
 * Returns the selection, or null where no flag asks for one.
 *
 * @throws UsageFault when there is something to leave out and nothing to choose
 */
export function selectionOf(
  flags: SelectionFlags,
): MessageInitShape<typeof NodeSelectionSchema> | null {
  const { selector = '', group: groups = [], all = false, exclude = [] } = flags;
  const nodes = [...(flags.nodes ?? []), ...(flags.hosts ?? [])];
  if (nodes.length === 0 && selector === '' && groups.length === 0 && !all) {
    if (exclude.length === 0) return null;
    throw new UsageFault('-x leaves nodes out; choose some with -n, -l, -g or --all');
  }
  return { nodes, selector, groups, all, exclude };
}
