// Which nodes a selection names, and what is said when it names none.
import { describe, expect, it } from 'vitest';
import type { NodeSelection } from './supervisor.ts';
import { chooseNodes } from './targets.ts';

const NODES = [
  { id: 'db-1', labels: { role: 'db', region: 'eu' } },
  { id: 'web01', labels: { role: 'web', region: 'eu' } },
  { id: 'web02', labels: { role: 'web', region: 'us' } },
  { id: 'web03', labels: { role: 'web', region: 'us', canary: 'yes' } },
];

const choose = (selection: Partial<NodeSelection>, nodes = NODES) =>
  chooseNodes(nodes, {
    nodes: [],
    selector: '',
    groups: [],
    all: false,
    exclude: [],
    ...selection,
  });

describe('a selection', () => {
  it.each<[Partial<NodeSelection>, string[]]>([
    [{ all: true }, ['db-1', 'web01', 'web02', 'web03']],
    [{ nodes: ['web[02-03]', 'db-1', 'web02'] }, ['db-1', 'web02', 'web03']],
    [{ selector: 'role=web,!canary' }, ['web01', 'web02']],
    [{ selector: 'role=web', nodes: ['db-1'], exclude: ['web[01-02]'] }, ['db-1', 'web03']],
    [{ all: true, exclude: ['db-1', 'nobody'] }, ['web01', 'web02', 'web03']],
  ])('%j', (selection, ids) => {
    expect(choose(selection)).toEqual(ids);
  });

  it.each<[Partial<NodeSelection>, string, string]>([
    [
      { nodes: ['web[03-05]', 'wev01'] },
      'unknown_node',
      'nodes web04, web05, wev01 are unknown; there is',
    ],
    [{ nodes: ['wev01'] }, 'unknown_node', 'node wev01 is unknown; there is web01'],
    [{ nodes: ['mail'] }, 'unknown_node', 'see: muster node list'],
    [
      { selector: 'role=cache' },
      'invalid_argument',
      'no node matches "role=cache"; the values of role are: db, web',
    ],
    [
      { selector: 'gpu' },
      'invalid_argument',
      'no node has the label gpu; there are: canary, region, role',
    ],
    [{ selector: 'role=db,canary' }, 'invalid_argument', 'each part alone matches some'],
    [{ selector: 'role=db', exclude: ['db-1'] }, 'invalid_argument', 'all 1 nodes are excluded'],
    [{ nodes: ['web['] }, 'invalid_argument', 'a [ has no ]'],
  ])('%j is refused as %s', (selection, kind, sentence) => {
    const message = expect.stringContaining(sentence) as string;
    expect(() => choose(selection)).toThrow(expect.objectContaining({ kind, message }));
  });

  it('of an empty fleet says so', () => {
    expect(() => choose({ all: true }, [])).toThrow('there is no node yet');
  });
});
