/** `muster node history`: what operators have asked of a host, and when. */
import { create } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { GetNodeHistoryResponseSchema } from '../../../proto/gen/muster/v1/node_service_pb.ts';
import { TransitionSchema } from '../../../proto/gen/muster/v1/task_pb.ts';
import type { Transition } from '../../../proto/gen/muster/v1/task_pb.ts';
import { askedIn } from '../asked.ts';
import type { ClientFlags } from '../client-flags.ts';
import { unary, withConnection } from '../connection.ts';
import { EXIT } from '../exit.ts';
import { messageJson, outputForm, printDocument, printLines, printTable } from '../output.ts';
import { note } from '../sink.ts';
import type { Column } from '../table.ts';
import { stateCell } from '../task-view.ts';
import { formatTime } from '../time.ts';

const COLUMNS: readonly Column[] = [
  { title: 'VERSION', align: 'right' },
  { title: 'TIME' },
  { title: 'EVENT' },
  { title: 'FROM' },
  { title: '' },
  { title: 'TO' },
  { title: 'BY', shrinkTo: 8 },
  { title: 'NOTE', shrinkTo: 8 },
];

/** Shows the history of a node; returns the exit code, 1 with --verify when its replay differs. */
export async function showNodeHistory(
  id: string,
  flags: ClientFlags & { readonly verify?: boolean },
): Promise<number> {
  const form = outputForm(flags.output);
  return await withConnection(flags, async ({ nodes }) => {
    const transitions: Transition[] = [];
    for (;;) {
      const afterVersion = transitions.at(-1)?.version ?? 0;
      const page = await nodes.getNodeHistory({ id, afterVersion }, unary);
      transitions.push(...page.transitions);
      if (!page.hasMore) break;
    }
    if (form === 'json') {
      const all = create(GetNodeHistoryResponseSchema, { transitions });
      await printDocument(messageJson(GetNodeHistoryResponseSchema, all));
    } else if (form === 'jsonl') {
      await printLines(transitions.map((one) => messageJson(TransitionSchema, one)));
    } else if (transitions.length === 0) await note(`${id} has never been drained`);
    else await printTable(COLUMNS, transitions.map(transitionRow));
    if (flags.verify !== true) return EXIT.ok;
    const { clean, differences } = await nodes.verifyNode({ id }, unary);
    await note(clean ? `${id}: the replay gives what is stored` : differences.join('; '));
    return clean ? EXIT.ok : EXIT.failure;
  });
}

function transitionRow(transition: Transition) {
  return [
    String(transition.version),
    transition.at === undefined ? '' : formatTime(timestampMs(transition.at)),
    transition.eventType,
    transition.fromState === '' ? '' : stateCell(transition.fromState),
    '→',
    stateCell(transition.toState),
    ...askedIn(transition),
  ];
}
