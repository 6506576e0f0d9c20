/**
 * The flags of `muster run` for many nodes at once, and the target and options that they ask for.
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { Option } from 'commander';
import type { Command } from 'commander';
import { FanOutOrder } from '../../proto/gen/muster/v1/fan_out_pb.ts';
import type { TaskSpecSchema } from '../../proto/gen/muster/v1/task_pb.ts';
import { BOUNDS } from './bounds.ts';
import { parseDuration } from './duration.ts';
import type { FanOutShow } from './fan-out-follow.ts';
import { UsageFault } from './fault.ts';
import type { SelectionFlags } from './selection-flags.ts';
import { addSelectionFlags, selectionOf } from './selection-flags.ts';

export interface FanOutFlags extends SelectionFlags {
  readonly node?: string;
  readonly any?: boolean;
  readonly maxParallel?: string;
  readonly maxFailures?: string;
  readonly order?: string;
  readonly deadline?: string;
  readonly gather?: boolean;
  readonly prefix?: boolean;
  readonly output?: string | undefined;
}

/** What a command does when no flag says where, and how the output of many nodes is shown. */
interface UsualWay {
  /** Where `--any` alone means one of all nodes, and whether that goes without saying. */
  readonly any: 'usual' | 'allowed' | 'of a selection';
  /** `unseen`: nobody waits for the output. */
  readonly show: FanOutShow | 'unseen';
}

const ANY_OF: Readonly<Record<UsualWay['any'], string>> = {
  usual: 'of those that -n, -l or -g choose, else of all (default)',
  allowed: 'of those that -n, -l or -g choose, else of all',
  'of a selection': 'of those that -n, -l, -g or --all choose',
};

/** Adds the flags to a command. */
export function addFanOutFlags(command: Command, usual: UsualWay): Command {
  addSelectionFlags(command)
    .addOption(
      new Option(
        '--any',
        `on any one node, the least loaded first: ${ANY_OF[usual.any]}`,
      ).conflicts('node'),
    )
    .option(
      '--max-parallel <n>',
      'nodes at work at once, a number or a share as in 10% (default: all)',
    )
    .option(
      '--max-failures <n>',
      'start no more nodes after this many failures, a number or a share',
    )
    .option(
      '--offline <policy>',
      'while a node is offline: wait for it, skip it, or fail (default: wait)',
    )
    .option('--order <order>', 'given or random (default: given)')
    .option('--deadline <duration>', 'for all nodes together (default: none)');
  if (usual.show === 'unseen') return command;
  const isUsual = usual.show === 'gather' ? ' (default)' : '';
  return command
    .option('-b, --gather', `print equal output once, under the nodes that gave it${isUsual}`)
    .option('--prefix', 'print each line of output behind the name of its node');
}

type SpecPart = Pick<MessageInitShape<typeof TaskSpecSchema>, 'target' | 'fanOut'>;

const ORDERS: Readonly<Record<string, FanOutOrder>> = {
  given: FanOutOrder.GIVEN,
  random: FanOutOrder.RANDOM,
};

/**
 * Returns where a task is to run, and how it goes through many nodes.
 *
 * @throws UsageFault when the flags contradict each other or cannot be read
 */
export function targetOf(flags: FanOutFlags): SpecPart {
  const selection = selectionOf(flags);
  if (selection === null) {
    refuseFanOutFlags(flags);
    const { node } = flags;
    return node === undefined
      ? { target: { kind: { case: 'any', value: {} } } }
      : { target: { kind: { case: 'nodeId', value: node } } };
  }
  if (flags.node !== undefined) {
    throw new UsageFault('--node is for one node; -n, -l, -g and --all for many');
  }
  if (flags.any === true) {
    refuseFanOutFlags(flags);
    return { target: { kind: { case: 'any', value: { selection } } } };
  }
  const { maxParallel = '', maxFailures = '', order = 'given', deadline } = flags;
  const orderCode = ORDERS[order];
  if (orderCode === undefined)
    throw new UsageFault(`--order: '${order}' is neither given nor random`);
  checkAmount(maxParallel, '--max-parallel');
  checkAmount(maxFailures, '--max-failures');
  return {
    target: { kind: { case: 'selection', value: selection } },
    fanOut: {
      maxParallel,
      maxFailures,
      order: orderCode,
      ...(deadline === undefined
        ? {}
        : {
            deadline: durationFromMs(parseDuration(deadline, '--deadline', BOUNDS.fanOutDeadline)),
          }),
    },
  };
}

/**
 * How the nodes are to be shown, `usual` if nothing is asked for.
 *
 * @throws UsageFault when both ways are asked for, or one of them for documents, which have the tasks and not their output
 */
export function showOf(
  { gather = false, prefix = false, output = 'table' }: FanOutFlags,
  usual: FanOutShow = 'failures',
): FanOutShow {
  if (gather && prefix) throw new UsageFault('--gather and --prefix exclude each other');
  if ((gather || prefix) && output !== 'table') {
    const flag = gather ? '--gather' : '--prefix';
    throw new UsageFault(
      `${flag} is for people and -o ${output} prints the tasks; their output as documents: muster task logs FANOUT -o jsonl`,
    );
  }
  if (gather) return 'gather';
  if (prefix) return 'prefix';
  return usual;
}

function refuseFanOutFlags(flags: FanOutFlags): void {
  const given = (
    ['maxParallel', 'maxFailures', 'order', 'deadline', 'gather', 'prefix'] as const
  ).find((name) => flags[name] !== undefined);
  if (given === undefined) return;
  const flag = `--${given.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  throw new UsageFault(
    `${flag} is for many nodes; choose them with -n, -l, -g or --all, and without --any`,
  );
}

function checkAmount(text: string, flag: string): void {
  if (text === '' || /^([1-9][0-9]{0,5}|([1-9][0-9]?|100)%)$/.test(text)) return;
  throw new UsageFault(`${flag}: '${text}' is neither a number from 1 on nor a share such as 10%`);
}
