/** `muster events`: what has happened last to tasks, schedules and nodes, and what happens. */
import type { ClientFlags } from '../client-flags.ts';
import { withConnection } from '../connection.ts';
import { EXIT } from '../exit.ts';
import type { OutputForm } from '../output.ts';
import { outputForm, printDocument, printLines, printTable } from '../output.ts';
import { Reconnect } from '../reconnect.ts';
import { note, stdout } from '../sink.ts';
import type { Column } from '../table.ts';
import { harmless } from '../table.ts';
import { stateCell } from '../task-view.ts';
import { formatTime } from '../time.ts';
import { type Entry, kindsOf } from './entry.ts';
import { EventFeed } from './feed.ts';

const COLUMNS: readonly Column[] = [
  { title: 'TIME' },
  { title: 'KIND' },
  { title: 'NAME', shrinkTo: 8 },
  { title: 'EVENT' },
  { title: 'FROM' },
  { title: '' },
  { title: 'TO' },
  { title: 'NODE', dropOrder: 2 },
  { title: 'VERSION', align: 'right', dropOrder: 1 },
];

export interface EventFlags extends ClientFlags {
  readonly kind?: readonly string[];
  readonly follow?: boolean;
}

/** Shows events; returns the exit code. */
export async function showEvents(flags: EventFlags): Promise<number> {
  const form = outputForm(flags.output);
  const kinds = kindsOf(flags.kind ?? []);
  const isEndless = flags.follow === true;
  return await withConnection(flags, async (connection) => {
    const print = (entries: readonly Entry[]) =>
      isEndless ? printOneByOne(form, entries) : printAll(form, entries);
    const feed = new EventFeed(kinds, print);
    const reconnect = new Reconnect(connection);
    await reconnect.run(() => feed.follow(connection, isEndless, reconnect.progressed));
    return EXIT.ok;
  });
}

async function printAll(form: OutputForm, entries: readonly Entry[]): Promise<void> {
  if (form === 'json') await printDocument(entries);
  else if (form === 'jsonl') await printLines(entries);
  else if (entries.length === 0) await note('nothing has happened yet');
  else await printTable(COLUMNS, entries.map(entryRow));
}

async function printOneByOne(form: OutputForm, entries: readonly Entry[]): Promise<void> {
  if (form === 'jsonl') await printLines(entries);
  else if (form === 'json') for (const entry of entries) await printDocument(entry);
  else await stdout.write(entries.map((entry) => `${entryLine(entry)}\n`).join(''));
}

function entryRow({ at, kind, name, event, from, to, nodeId, version }: Entry) {
  return [
    formatTime(Date.parse(at)),
    kind,
    harmless(name),
    event,
    from === '' ? '' : stateCell(from),
    '→',
    stateCell(to),
    nodeId,
    String(version),
  ];
}

/** Widths that nearly everything fits in: what comes later is not known yet. */
function entryLine({ at, kind, name, event, from, to, nodeId }: Entry): string {
  const state = (path: string) => {
    const { text, paint } = path === '' ? { text: '', paint: undefined } : stateCell(path);
    return (paint ?? String)(text.padEnd(20));
  };
  const words = [formatTime(Date.parse(at)), kind.padEnd(8), harmless(name).padEnd(20)];
  return [...words, event.padEnd(20), state(from), '→', state(to), nodeId].join('  ').trimEnd();
}
