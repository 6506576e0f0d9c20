/** What needs a person, as a list of links. */
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { Empty, Panel } from '../../ui/page.tsx';
import { useNow } from '../../ui/time.tsx';
import { type Concern, concernsOf, type Findings } from './attention.ts';

const SHOWN = 8;

export function AttentionPanel({
  findings,
  isKnown,
}: {
  readonly findings: Findings;
  /** Everything was looked at. */
  readonly isKnown: boolean;
}) {
  const now = useNow();
  const [isAll, setAll] = useState(false);
  const concerns = concernsOf(findings, now);
  const shown = isAll ? concerns : concerns.slice(0, SHOWN);
  const title = concerns.length === 0 ? 'Needs attention' : `Needs attention (${concerns.length})`;
  return (
    <Panel title={title}>
      {concerns.length === 0 && !isKnown ? (
        <Empty>Looking …</Empty>
      ) : concerns.length === 0 ? (
        <Empty>
          Nothing: every node takes tasks, no task is stuck, no worker has crashed, and the
          schedules do their work.
        </Empty>
      ) : (
        <ul>
          {shown.map((concern) => (
            <li key={concern.key} className="border-b border-line/60 last:border-0">
              <ConcernLink concern={concern} />
            </li>
          ))}
        </ul>
      )}
      {concerns.length > SHOWN ? (
        <button
          type="button"
          aria-expanded={isAll}
          onClick={() => setAll(!isAll)}
          className="w-full border-t border-line px-4 py-1.5 text-left text-accent hover:bg-raised"
        >
          {isAll ? 'Fewer' : `${concerns.length - SHOWN} more`}
        </button>
      ) : null}
    </Panel>
  );
}

function ConcernLink({ concern }: { readonly concern: Concern }) {
  const { severity, kind, id, name, what } = concern;
  const content = (
    <>
      <span className={severity === 'bad' ? 'text-bad' : 'text-warn'}>
        <span aria-hidden>{severity === 'bad' ? '✕' : '▲'}</span>
        <span className="sr-only">{severity === 'bad' ? 'problem' : 'warning'}</span>
      </span>
      <span className="w-16 shrink-0 text-soft">{kind}</span>
      <span className="min-w-0 grow">
        <span className="font-medium">{name}</span> <span className="text-soft">{what}</span>
      </span>
    </>
  );
  const className = 'flex items-baseline gap-3 px-4 py-2 hover:bg-raised';
  if (kind === 'task') {
    return (
      <Link to="/tasks/$taskId" params={{ taskId: id }} className={className}>
        {content}
      </Link>
    );
  }
  if (kind === 'node') {
    return (
      <Link to="/nodes/$nodeId" params={{ nodeId: id }} className={className}>
        {content}
      </Link>
    );
  }
  return (
    <Link to="/schedules/$key" params={{ key: id }} className={className}>
      {content}
    </Link>
  );
}
