/** News between supervisors fit into a NOTIFY, whatever happened. */
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decodeNews, encodeNews } from './news.ts';

const from = randomUUID();

describe('news', () => {
  it('arrive as they were sent', () => {
    const nodes = {
      queuedFor: ['', 'web-1'],
      sessions: ['web-2'],
      operated: ['web-3'],
      nodes: ['web-4'],
    };
    const news = { from, taskIds: [randomUUID()], ...nodes };
    expect(decodeNews(encodeNews(news))).toEqual(news);
  });

  it('stay below the 8,000 bytes that NOTIFY takes, with the longest names', () => {
    for (const [tasks, nodes, length] of [
      [100, 30, 63],
      [500, 30, 63],
      [100, 30, 250],
      [3, 500, 63],
    ] as const) {
      const queuedFor = Array.from({ length: nodes }, (_, index) =>
        `${index}`.padStart(length, 'n'),
      );
      const payload = encodeNews({
        from,
        taskIds: Array.from({ length: tasks }, () => randomUUID()),
        queuedFor,
        sessions: queuedFor,
      });
      expect(Buffer.byteLength(payload)).toBeLessThan(8_000);
      const news = decodeNews(payload);
      // What does not fit is said in general, never left out.
      expect(news?.taskIds === null || news?.taskIds.length === tasks).toBe(true);
      expect(news?.queuedFor).toSatisfy(
        (told: string[]) => told.includes('*') || told.length === nodes,
      );
    }
  });

  it('of another program are ignored', () => {
    expect(decodeNews('hello')).toBeNull();
    expect(decodeNews('{"taskIds": []}')).toBeNull();
    expect(decodeNews(`{"from": "x", "taskIds": 3, "later": true}`)).toEqual({
      from: 'x',
      taskIds: null,
      queuedFor: [],
      sessions: [],
      operated: [],
      nodes: [],
    });
  });
});
