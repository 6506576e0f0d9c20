/** The numbers of each attempt. */
import { Link } from '@tanstack/react-router';
import type { Attempt } from '../../../../proto/gen/muster/v1/task_pb.ts';
import { durationText } from '../../../ui/time.tsx';
import { sizeText } from '../output/size-text.ts';
import { type Row, timeIn } from './phases.ts';

const HEADERS = ['Attempt', 'Node', 'Outcome', 'Waited', 'Ran', 'Output', 'Message'];

export function AttemptsTable({
  rows,
  attempts,
  now,
}: {
  readonly rows: readonly Row[];
  readonly attempts: readonly Attempt[];
  readonly now: number;
}) {
  return (
    // Relative, or what only screen readers see would stand outside of it, and make the page as wide as the table.
    <div className="relative overflow-x-auto">
      <table className="w-full text-left">
        <caption className="sr-only">The attempts of this task</caption>
        <thead>
          <tr className="text-soft">
            {HEADERS.map((header) => (
              <th key={header} scope="col" className="px-4 py-2 font-medium">
                {header}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <AttemptRow
              key={row.number}
              row={row}
              attempt={attempts.find(({ number }) => number === row.number)}
              now={now}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function AttemptRow({
  row,
  attempt,
  now,
}: {
  readonly row: Row;
  readonly attempt: Attempt | undefined;
  readonly now: number;
}) {
  const waited = timeIn(row, ['held', 'delayed', 'waiting', 'backoff'], now);
  const ran = timeIn(row, ['dispatched', 'executing', 'stopping', 'unreachable'], now);
  return (
    <tr className="border-t border-line align-top">
      <th scope="row" className="px-4 py-2 font-medium tabular-nums">
        {row.number}
      </th>
      <td className="px-4 py-2">
        {row.nodeId === '' ? (
          <span className="text-soft">–</span>
        ) : (
          <Link
            to="/nodes/$nodeId"
            params={{ nodeId: row.nodeId }}
            className="text-accent hover:underline"
          >
            {row.nodeId}
          </Link>
        )}
      </td>
      <td className="px-4 py-2 whitespace-nowrap">{outcomeText(row, attempt)}</td>
      <td className="px-4 py-2 whitespace-nowrap tabular-nums">{durationText(waited)}</td>
      <td className="px-4 py-2 whitespace-nowrap tabular-nums">
        {row.nodeId === '' ? '–' : durationText(ran)}
      </td>
      <td className="px-4 py-2 whitespace-nowrap">
        {row.nodeId === '' ? '–' : <OutputLink number={row.number} attempt={attempt} />}
      </td>
      <td className="px-4 py-2 text-soft [overflow-wrap:anywhere]">{attempt?.message ?? ''}</td>
    </tr>
  );
}

function OutputLink({
  number,
  attempt,
}: {
  readonly number: number;
  readonly attempt: Attempt | undefined;
}) {
  const bytes = Number((attempt?.stdoutBytes ?? 0n) + (attempt?.stderrBytes ?? 0n));
  const isOver = attempt !== undefined && attempt.outcome !== '';
  return (
    <Link
      to="."
      search={(before: object) => ({ ...before, tab: 'output', attempt: String(number), line: '' })}
      className="text-accent hover:underline"
    >
      {isOver ? sizeText(bytes) : 'see it'}
      <span className="sr-only"> of attempt {number}</span>
    </Link>
  );
}

/** For example exited, code 3; stopped, SIGKILL. */
function outcomeText(row: Row, attempt: Attempt | undefined): string {
  if (attempt === undefined || attempt.outcome === '') {
    if (row.nodeId === '') return row.end ?? 'not begun';
    return row.phases.at(-1)?.kind ?? '';
  }
  const outcome = attempt.outcome.replace('_', ' ');
  if (attempt.signal !== '') return `${outcome}, ${attempt.signal}`;
  return attempt.exitCode === undefined ? outcome : `${outcome}, code ${attempt.exitCode}`;
}
