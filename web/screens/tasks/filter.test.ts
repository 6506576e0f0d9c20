// Filters: typed, in the URL, as asked of the API; what is offered while one types; the order of the list.
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from 'vitest';
import { TaskState, TaskType } from '../../../proto/gen/muster/v1/task_pb.ts';
import { accept, offersFor } from './completion.ts';
import {
  addTokens,
  faultsOf,
  isStillMatching,
  parseText,
  parseTime,
  readTokens,
  tokenText,
  toFilter,
  writeTokens,
} from './filter.ts';
import { readNeighbours, rememberOrder } from './neighbours.ts';
import { isSelected, NOTHING, select } from './selection.ts';

const ID = '01a211fb-0e8e-7000-98a4-33d206ab8d93';

describe('typed filters', () => {
  it('reads several conditions, values with commas and quoted ones', () => {
    const { tokens, fault } = parseText('state:failed,timeout label:role=web creator:"ci bot"');
    expect(fault).toBeNull();
    expect(tokens.map(tokenText)).toEqual([
      'state:failed',
      'state:timeout',
      'label:role=web',
      'creator:"ci bot"',
    ]);
  });

  it('reads the beginning of an id without its key', () => {
    expect(parseText('01A211FB-0e').tokens).toEqual([{ key: 'id', value: '01a211fb-0e' }]);
  });

  it('looks for words without a key in names, as one text', () => {
    expect(parseText('Deploy').tokens.map(tokenText)).toEqual(['text:Deploy']);
    expect(parseText('nightly state:failed backup').tokens.map(tokenText)).toEqual([
      'state:failed',
      'text:"nightly backup"',
    ]);
    expect(parseText('text:"two, words"').tokens).toEqual([{ key: 'text', value: 'two, words' }]);
    expect(parseText('text:http://x').tokens).toEqual([{ key: 'text', value: 'http://x' }]);
    // No id begins like this.
    for (const name of ['cafe', 'db-1', '2026', '0-1-2-3']) {
      expect(parseText(name).tokens).toEqual([{ key: 'text', value: name }]);
    }
    // The beginning of an id, and of state:, unless it is quoted.
    expect(parseText('01ca').tokens).toEqual([{ key: 'id', value: '01ca' }]);
    expect(parseText('"01ca"').tokens).toEqual([{ key: 'text', value: '01ca' }]);
    expect(parseText('"state:" x ""').tokens).toEqual([{ key: 'text', value: 'state: x' }]);
  });

  it.each([
    ['stat:failed', 'no condition'],
    ['http://x', 'text:http://x'],
    ['ä'.repeat(101), 'at most 200 bytes'],
    [`text:${'a'.repeat(201)}`, 'at most 200 bytes'],
    ['text:', 'needs a value'],
    ['state:broken', 'state is one of'],
    ['label:role', 'label:key=value'],
    ['since:yesterday', 'time ago'],
    ['state:', 'needs a value'],
    ['parent:01a2', 'whole id'],
  ])('says what is wrong with %s', (text, why) => {
    expect(parseText(text).fault).toContain(why);
  });

  it('replaces what can be there once, and a label of the same key', () => {
    const tokens = addTokens(
      parseText('deploy since:1h label:role=web state:failed').tokens,
      parseText('since:2h label:role=db state:running backup').tokens,
    );
    expect(tokens.map(tokenText)).toEqual([
      'state:failed',
      'since:2h',
      'label:role=db',
      'state:running',
      'text:backup',
    ]);
  });

  it('comes back from the URL as it went there, and leaves out nonsense', () => {
    const { tokens } = parseText('state:failed,running node:web-1 label:a=b,c=d since:7d');
    expect(readTokens(writeTokens(tokens))).toEqual(tokens);
    const text = parseText('text:"a, b" state:failed').tokens;
    expect(writeTokens(text)).toMatchObject({ text: 'a, b', state: 'failed' });
    expect(readTokens(writeTokens(text))).toEqual(text);
    expect(readTokens({ state: 'bogus', q: 'type:fan-out' }).map(tokenText)).toEqual([
      'type:fan_out',
    ]);
  });

  it('says what of a URL it has left out', () => {
    expect(faultsOf({ state: 'failed', since: '1h', q: 'deploy', children: '1' })).toEqual([]);
    const faults = faultsOf({ state: 'failed,bogus', nodes: 'web-1', q: 'since:yesterday' });
    expect(faults.map((fault) => /“\w+”|since/.exec(fault)?.[0])).toEqual([
      '“nodes”',
      '“bogus”',
      'since',
    ]);
  });
});

describe('the filter of the API', () => {
  const context = { nowMs: 10_000_000, withChildren: false, scheduleIds: new Map([['daily', ID]]) };

  it('has every condition', () => {
    const { tokens } = parseText(
      'state:failed type:script node:a label:x=1=2 schedule:daily since:1h id:01a deploy',
    );
    expect(toFilter(tokens, context)).toMatchObject({
      states: [TaskState.FAILED],
      types: [TaskType.SCRIPT],
      nodeIds: ['a'],
      labels: { x: '1=2' },
      scheduleId: ID,
      createdFrom: timestampFromMs(6_400_000),
      idPrefix: '01a',
      text: 'deploy',
      topLevel: true,
    });
  });

  it('has children when they are asked for, one way or another', () => {
    expect(toFilter([], { ...context, withChildren: true }).topLevel).toBe(false);
    expect(toFilter(parseText(`parent:${ID}`).tokens, context).topLevel).toBe(false);
    expect(toFilter(parseText(`id:${ID}`).tokens, context).topLevel).toBe(false);
  });

  it('reads times ago and dates', () => {
    expect(parseTime('2h', 10_000_000)).toBe(2_800_000);
    expect(parseTime('2026-01-31T08:00Z', 0)).toBe(Date.UTC(2026, 0, 31, 8));
    expect(parseTime('soon', 0)).toBeNull();
  });

  it('tells whether a changed task still matches', () => {
    const filter = toFilter(parseText('state:running node:a').tokens, context);
    expect(isStillMatching(filter, { state: TaskState.RUNNING, nodeId: 'a' })).toBe(true);
    expect(isStillMatching(filter, { state: TaskState.FAILED, nodeId: 'a' })).toBe(false);
    expect(isStillMatching(filter, { state: TaskState.RUNNING, nodeId: 'b' })).toBe(false);
  });
});

describe('what the bar offers', () => {
  const known = {
    node: ['db-1', 'web-1', 'web-2'],
    label: ['role=web'],
    text: ['a, b', 'two words'],
  };

  it('offers keys, then values, those that begin with what is typed first', () => {
    expect(offersFor('state:failed no', known).map(({ text }) => text)).toEqual(['node:']);
    expect(offersFor('node:1', known).map(({ text }) => text)).toEqual(['node:db-1', 'node:web-1']);
    expect(offersFor('state:c', known)[0]?.text).toBe('state:completed');
    expect(offersFor('hello:', known)).toEqual([]);
    expect(offersFor('te', known).map(({ text }) => text)).toEqual(['text:']);
    expect(offersFor('text:"two wo', known).map(({ text }) => text)).toEqual(['text:"two words"']);
    expect(offersFor('text:a,', known).map(({ text }) => text)).toEqual(['text:"a, b"']);
  });

  it('puts an offer in the place of the last word, after values that are there', () => {
    const [offer] = offersFor('type:file node:db-1,web-2', known);
    expect(accept('type:file node:db-1,web-2', offer as never)).toBe('type:file node:db-1,web-2');
  });
});

describe('the order of the list', () => {
  it('has a former and a next task, near the one that was opened', () => {
    const texts = new Map<string, string>();
    const store = {
      getItem: (key: string) => texts.get(key) ?? null,
      setItem: (key: string, value: string) => void texts.set(key, value),
    };
    expect(readNeighbours('a', store)).toEqual({ former: null, next: null });
    const ids = Array.from({ length: 3_000 }, (_, index) => `t${index}`);
    rememberOrder(ids, 't1000', store);
    expect(readNeighbours('t1000', store)).toEqual({ former: 't999', next: 't1001' });
    expect(readNeighbours('t500', store)).toEqual({ former: null, next: 't501' });
    expect(readNeighbours('t2999', store)).toEqual({ former: null, next: null });
  });
});

describe('what is chosen', () => {
  it('is some tasks, or all that match', () => {
    const some = select(select(NOTHING, ['a', 'b', 'c'], true), ['b'], false);
    expect(['a', 'b', 'c'].map((id) => isSelected(some, id))).toEqual([true, false, true]);
    expect(isSelected({ kind: 'all' }, 'z')).toBe(true);
    expect(isSelected(select({ kind: 'all' }, ['z'], false), 'a')).toBe(false);
  });
});
