/** `muster task history`: every committed transition of a task, and the reports that came too late. */
import { create } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { LateReport, Transition } from '../../../proto/gen/muster/v1/task_pb.ts';
import { LateReportSchema, TransitionSchema } from '../../../proto/gen/muster/v1/task_pb.ts';
import type { GetTaskHistoryResponse } from '../../../proto/gen/muster/v1/task_service_pb.ts';
import { GetTaskHistoryResponseSchema } from '../../../proto/gen/muster/v1/task_service_pb.ts';
import { askedIn } from '../asked.ts';
import type { ClientFlags } from '../client-flags.ts';
import type { Connection } from '../connection.ts';
import { unary, withConnection } from '../connection.ts';
import { EXIT } from '../exit.ts';
import { messageJson, outputForm, printDocument, printLines, printTable } from '../output.ts';
import { note, stdout } from '../sink.ts';
import type { Column } from '../table.ts';
import { resolveTaskId } from '../task-id.ts';
import { stateCell } from '../task-view.ts';
import { formatTime } from '../time.ts';

const COLUMNS: readonly Column[] = [
  { title: 'VERSION', align: 'right' },
  { title: 'TIME' },
  { title: 'EVENT' },
  { title: 'FROM' },
  { title: '' },
  { title: 'TO' },
  { title: 'ATTEMPT', align: 'right', dropOrder: 1 },
];

/** Beside them where somebody has asked for something. */
const ASKED_COLUMNS: readonly Column[] = [
  { title: 'BY', shrinkTo: 8 },
  { title: 'NOTE', shrinkTo: 8 },
];

const LATE_COLUMNS: readonly Column[] = [
  { title: 'LATE REPORT' },
  { title: 'TIME' },
  { title: 'ATTEMPT', align: 'right' },
  { title: 'WHY IT CHANGED NOTHING', shrinkTo: 20 },
];

/** Shows the history of a task; returns the exit code. */
export async function showHistory(text: string, flags: ClientFlags): Promise<number> {
  const form = outputForm(flags.output);
  return await withConnection(flags, async (connection) => {
    const history = await readHistory(connection, await resolveTaskId(connection, text));
    const { transitions, lateReports } = history;
    if (form === 'json') {
      await printDocument(messageJson(GetTaskHistoryResponseSchema, history));
    } else if (form === 'jsonl') {
      await printLines(transitions.map((one) => messageJson(TransitionSchema, one)));
      await printLines(lateReports.map((one) => messageJson(LateReportSchema, one)));
    } else if (history.expired) {
      await note(
        'its history has expired and is deleted; the task and its attempts are still there',
      );
    } else {
      await printTransitions(transitions);
      if (lateReports.length > 0) {
        await stdout.write('\n');
        await printTable(LATE_COLUMNS, lateReports.map(lateRow));
      }
    }
    return EXIT.ok;
  });
}

/** Joins the pages of a history. */
async function readHistory(connection: Connection, id: string): Promise<GetTaskHistoryResponse> {
  const transitions: Transition[] = [];
  for (;;) {
    const afterVersion = transitions.at(-1)?.version ?? 0;
    const page = await connection.tasks.getTaskHistory({ id, afterVersion }, unary);
    transitions.push(...page.transitions);
    if (!page.hasMore || page.transitions.length === 0) {
      // Late reports belong to the task, not to a page: the last answer has the newest.
      const { lateReports, expired } = page;
      return create(GetTaskHistoryResponseSchema, { transitions, lateReports, expired });
    }
  }
}

async function printTransitions(transitions: readonly Transition[]): Promise<void> {
  if (transitions.some((one) => askedIn(one).join('') !== '')) {
    const rows = transitions.map((one) => [...transitionRow(one), ...askedIn(one)]);
    await printTable([...COLUMNS, ...ASKED_COLUMNS], rows);
  } else await printTable(COLUMNS, transitions.map(transitionRow));
}

function transitionRow(transition: Transition) {
  return [
    String(transition.version),
    transition.at === undefined ? '' : formatTime(timestampMs(transition.at)),
    transition.eventType,
    transition.fromState === '' ? '' : stateCell(transition.fromState),
    '→',
    stateCell(transition.toState),
    transition.attempt === 0 ? '' : String(transition.attempt),
  ];
}

function lateRow(report: LateReport) {
  return [
    report.eventType,
    report.at === undefined ? '' : formatTime(timestampMs(report.at)),
    String(report.attempt),
    report.why,
  ];
}
