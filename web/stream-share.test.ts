// Which tabs of a browser have a stream: each tab hears what the others tell.
import { describe, expect, it } from 'vitest';
import { MAX_STREAMS, type ShareMessage, StreamShare } from './stream-share.ts';

/** Tabs of one browser. */
class Tabs {
  readonly #shares = new Map<string, StreamShare>();
  readonly streams = new Set<string>();

  /** Opens a tab with a stream. */
  open(tab: string, hiddenSince: number | null): void {
    const share = new StreamShare(
      tab,
      (message) => this.#hear(tab, message),
      () => this.streams.delete(tab),
    );
    this.#shares.set(tab, share);
    this.turn(tab, hiddenSince);
  }

  /** A tab is seen, and has a stream then, or is hidden. */
  turn(tab: string, hiddenSince: number | null): void {
    this.streams.add(tab);
    this.#shares.get(tab)?.has(hiddenSince);
  }

  close(tab: string): void {
    this.streams.delete(tab);
    this.#shares.get(tab)?.hasNone();
    this.#shares.delete(tab);
  }

  #hear(from: string, message: ShareMessage): void {
    for (const [tab, share] of this.#shares) if (tab !== from) share.hear(message);
  }
}

function hiddenTabs(count: number): Tabs {
  const tabs = new Tabs();
  for (let at = 1; at <= count; at += 1) tabs.open(`t${at}`, at);
  return tabs;
}

describe('the streams of tabs', () => {
  it('are all there while they are few, hidden or not', () => {
    expect(hiddenTabs(MAX_STREAMS).streams.size).toBe(MAX_STREAMS);
  });

  it('end where nobody has looked for longest when they are too many', () => {
    const tabs = hiddenTabs(6);
    expect([...tabs.streams]).toEqual(['t3', 't4', 't5', 't6']);
    tabs.open('seen', null);
    expect([...tabs.streams]).toEqual(['t4', 't5', 't6', 'seen']);
  });

  it('come back to a tab that is looked at, at the cost of another', () => {
    const tabs = hiddenTabs(5);
    tabs.turn('t1', null);
    expect([...tabs.streams].toSorted()).toEqual(['t1', 't3', 't4', 't5']);
  });

  it('are not ended for tabs that are closed', () => {
    const tabs = hiddenTabs(4);
    tabs.close('t2');
    tabs.open('t5', 5);
    expect([...tabs.streams]).toEqual(['t1', 't3', 't4', 't5']);
  });

  it('stay in tabs that are seen, however many', () => {
    const tabs = new Tabs();
    for (let at = 0; at < 6; at += 1) tabs.open(`t${at}`, null);
    expect(tabs.streams.size).toBe(6);
  });

  it('are one fewer when two tabs were hidden at once', () => {
    const tabs = new Tabs();
    for (const tab of ['a', 'b', 'c', 'd', 'e']) tabs.open(tab, 1);
    expect([...tabs.streams]).toEqual(['b', 'c', 'd', 'e']);
  });
});
