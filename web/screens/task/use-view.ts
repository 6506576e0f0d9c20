/** What of a task is shown, as the URL has it: the tab, and the version while looking back. */
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback } from 'react';

export const TABS = ['machine', 'output', 'attempts', 'children', 'spec'] as const;
export type Tab = (typeof TABS)[number];

export interface View {
  /** Null for the overview: the machine, the output beside it, the history below. */
  readonly tab: Tab | null;
  /** Null while it is live. */
  readonly version: number | null;
  readonly setTab: (tab: Tab | null) => void;
  readonly setVersion: (version: number | null) => void;
}

export function useView(): View {
  const search: Readonly<Record<string, string | undefined>> = useSearch({ strict: false });
  const navigate = useNavigate();
  const change = useCallback(
    (next: Readonly<Record<string, string | undefined>>, replace: boolean) =>
      void navigate({
        to: '.',
        search: (former: Record<string, string | undefined>) => ({ ...former, ...next }),
        replace,
        resetScroll: false,
      }),
    [navigate],
  );
  const setTab = useCallback(
    (tab: Tab | null) => change({ tab: tab ?? undefined }, false),
    [change],
  );
  const setVersion = useCallback(
    (version: number | null) => change({ version: version?.toString() }, true),
    [change],
  );
  const version = Number.parseInt(search['version'] ?? '', 10);
  return {
    tab: TABS.find((tab) => tab === search['tab']) ?? null,
    version: Number.isNaN(version) ? null : version,
    setTab,
    setVersion,
  };
}
