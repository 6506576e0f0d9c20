/** The draft of a new task: what comes back, where, and what is never kept. */
import { create } from '@bufbuild/protobuf';
import { beforeEach, describe, expect, it } from 'vitest';
import { FileActionSchema } from '../../../proto/gen/muster/v1/file_action_pb.ts';
import { type DraftPlace, forgetDrafts, keepDraft, readDraft, whenForgotten } from './draft.ts';
import { EMPTY, type FormState } from './form-state.ts';

const PLAIN: DraftPlace = { address: '', entry: 'e1' };
const LINK: DraftPlace = { address: 'node=web-1', entry: 'e2' };

/** The storage of a tab, with so much room. */
class Tab {
  readonly kept = new Map<string, string>();
  readonly #room: number;
  constructor(room = 10_000) {
    this.#room = room;
  }
  getItem(key: string): string | null {
    return this.kept.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    if (value.length > this.#room) throw new DOMException('no room', 'QuotaExceededError');
    this.kept.set(key, value);
  }
  removeItem(key: string): void {
    this.kept.delete(key);
  }
}

let tab: Tab;
beforeEach(() => {
  tab = new Tab();
});

const keep = (place: DraftPlace, part: Partial<FormState>, first: FormState = EMPTY) =>
  keepDraft(place, { form: { ...first, ...part }, leftOut: [] }, first, tab);
const read = (place: DraftPlace, first: FormState = EMPTY) => readDraft(place, first, tab);

describe('the draft of a form', () => {
  it('comes back as it was typed', () => {
    const typed = { action: 'command', command: "echo 'a", all: true, labels: 'half' } as const;
    keep(PLAIN, typed);
    expect(read(PLAIN)).toEqual({ form: { ...EMPTY, ...typed }, leftOut: [] });
  });

  it('is none where nothing was typed, or all was taken back', () => {
    expect(read(PLAIN)).toBeNull();
    keep(PLAIN, { body: 'x' });
    keep(PLAIN, {});
    expect(read(PLAIN)).toBeNull();
    expect(tab.kept.size).toBe(0);
  });

  it('comes back whenever the form without parameters is opened', () => {
    keep(PLAIN, { body: 'x' });
    expect(read({ ...PLAIN, entry: 'later' })?.form.body).toBe('x');
  });

  it('gives way to a link: it comes back for its own entry of the history only', () => {
    const first: FormState = { ...EMPTY, target: 'node', node: 'web-1' };
    keep(PLAIN, { body: 'plain' });
    expect(read(LINK, first)).toBeNull();
    keep(LINK, { node: 'web-2' }, first);
    expect(read(LINK, first)?.form).toEqual({ ...first, node: 'web-2' });
    expect(read({ ...LINK, entry: 'e3' }, first)).toBeNull();
    expect(read({ address: 'node=web-3', entry: 'e2' }, first)).toBeNull();
    expect(read(PLAIN)?.form.body).toBe('plain');
  });

  it('has what a file task does from the task that is run again', () => {
    const file = create(FileActionSchema, {});
    const first: FormState = { ...EMPTY, action: 'file', file };
    keep(LINK, { name: 'again' }, first);
    expect(read(LINK, first)?.form).toEqual({ ...first, name: 'again' });
    expect(read(LINK, first)?.form.file).toBe(file);
  });

  it('is gone from the tab once all are forgotten, and forms are told', () => {
    keep(PLAIN, { body: 'x' });
    keep(LINK, { body: 'y' });
    let heard = 0;
    const end = whenForgotten(() => {
      heard += 1;
    });
    forgetDrafts(tab);
    end();
    forgetDrafts(tab);
    expect(heard).toBe(1);
    expect(tab.kept.size).toBe(0);
  });

  it('is none where the tab has no room for it', () => {
    tab = new Tab(2_000);
    keep(PLAIN, { body: 'short' });
    keep(PLAIN, { body: 'long'.repeat(1_000) });
    expect(read(PLAIN)).toBeNull();
  });

  it.each([
    ['nothing that can be read', '{'],
    ['another thing', '7'],
    ['no form', '{"address":"","entry":"e1"}'],
  ])('is none where the tab holds %s', (_, text) => {
    keep(PLAIN, { body: 'x' });
    for (const key of tab.kept.keys()) tab.kept.set(key, text);
    expect(read(PLAIN)).toBeNull();
  });

  it('leaves out fields that are of another kind by now', () => {
    keep(PLAIN, { body: 'x' });
    for (const key of tab.kept.keys()) {
      tab.kept.set(key, '{"typed":{"body":7,"name":"n","all":"yes","gone":"g"},"leftOut":[1]}');
    }
    expect(read(PLAIN)).toEqual({ form: { ...EMPTY, name: 'n' }, leftOut: [] });
  });
});

describe('environment variables that look secret', () => {
  const SECRETS = 'DB_PASSWORD=hunter2\nApiKey=abc\nGITHUB_TOKEN = "a b"\nAWS_SECRET_ACCESS_KEY=k';

  it('are not kept, and named', () => {
    keep(PLAIN, { env: `AUTHOR=1\n${SECRETS}\nKEYBOARD=de\nTOKE` });
    expect([...tab.kept.values()].join()).not.toMatch(/hunter2|abc|a b|=k/);
    const draft = read(PLAIN);
    expect(draft?.form.env).toBe('AUTHOR=1\nKEYBOARD=de\nTOKE');
    expect(draft?.leftOut).toEqual([
      'DB_PASSWORD',
      'ApiKey',
      'GITHUB_TOKEN',
      'AWS_SECRET_ACCESS_KEY',
    ]);
  });

  it('are named again after a second reload', () => {
    keep(PLAIN, { env: SECRETS });
    const draft = read(PLAIN);
    expect(draft).not.toBeNull();
    if (draft !== null) keepDraft(PLAIN, draft, EMPTY, tab);
    // Without them the form is as it was at first.
    expect(read(PLAIN)).toBeNull();
    keep(PLAIN, { env: `${SECRETS}\nA=1` });
    const other = read(PLAIN);
    if (other !== null) keepDraft(PLAIN, other, EMPTY, tab);
    expect(read(PLAIN)?.leftOut).toHaveLength(4);
  });
});
