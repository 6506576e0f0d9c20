/** The views of a task. */
import type { Tab } from './use-view.ts';

const NAMES: readonly (readonly [Tab | null, string])[] = [
  [null, 'Overview'],
  ['machine', 'Machine'],
  ['output', 'Output'],
  ['attempts', 'Attempts'],
  ['children', 'Children'],
  ['spec', 'Spec'],
];

export function Tabs(props: {
  readonly tab: Tab | null;
  readonly setTab: (tab: Tab | null) => void;
  readonly hasChildren: boolean;
}) {
  const { tab, setTab, hasChildren } = props;
  const shown = NAMES.filter(([name]) =>
    name === 'children' ? hasChildren : name !== 'attempts' || !hasChildren,
  );
  return (
    <nav
      aria-label="Views of the task"
      className="flex gap-1 border-b border-line max-sm:overflow-x-auto max-sm:overflow-y-hidden"
    >
      {shown.map(([name, label]) => (
        <button
          key={label}
          type="button"
          aria-current={name === tab ? 'page' : undefined}
          onClick={() => setTab(name)}
          className={`-mb-px border-b-2 px-3 py-1.5 ${name === tab ? 'border-accent font-medium' : 'border-transparent text-soft hover:text-text'}`}
        >
          {label}
        </button>
      ))}
    </nav>
  );
}
