/** How the history of a node or a schedule is read, page by page, and shown: what was asked of it or has happened to it, and when. */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { TransitionSchema } from '../../proto/gen/muster/v1/task_pb.ts';
import type { Transition } from '../../proto/gen/muster/v1/task_pb.ts';
import { askedIn } from './asked.ts';
import { messageJson, type OutputForm, printDocument, printLines, printTable } from './output.ts';
import { note } from './sink.ts';
import type { Column } from './table.ts';
import { stateCell } from './task-view.ts';
import { formatTime } from './time.ts';

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

interface Page {
  readonly transitions: readonly Transition[];
  readonly hasMore: boolean;
}

/** Joins the pages of a history. @param read returns the page after a version */
export async function readAllPages(
  read: (afterVersion: number) => Promise<Page>,
): Promise<Transition[]> {
  const transitions: Transition[] = [];
  for (;;) {
    const page = await read(transitions.at(-1)?.version ?? 0);
    transitions.push(...page.transitions);
    if (!page.hasMore || page.transitions.length === 0) return transitions;
  }
}

/** Prints a history. @param none what is said where there is nothing */
export async function printHistory(
  transitions: readonly Transition[],
  form: OutputForm,
  none: string,
): Promise<void> {
  const documents = () => transitions.map((one) => messageJson(TransitionSchema, one));
  if (form === 'json') await printDocument({ transitions: documents(), hasMore: false });
  else if (form === 'jsonl') await printLines(documents());
  else if (transitions.length === 0) await note(none);
  else await printTable(COLUMNS, transitions.map(transitionRow));
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
