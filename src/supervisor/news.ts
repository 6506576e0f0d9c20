/**
 * What one supervisor tells the others with each group commit: one short message, however many transitions it has.
 *
 * A message is a hint and nothing else. A lost one costs a second of polling, never a task.
 */
export interface News {
  /** The sender, who ignores its own messages. */
  readonly from: string;
  /** Tasks that changed; null for more than fit. */
  readonly taskIds: readonly string[] | null;
  /** Queues with newly queued tasks; see `queueOf`. */
  readonly queuedFor: readonly string[];
  /** Nodes that opened a session with the sender. */
  readonly sessions: readonly string[];
  /** Nodes whose operators have asked something of them. */
  readonly nodes?: readonly string[];
  /** Nodes with workers of which something was asked. */
  readonly operated?: readonly string[];
}

/** NOTIFY takes less than 8,000 bytes, and refuses the whole commit for one more. */
const MAX_BYTES = 7_900;
const MAX_TASK_IDS = 100;
const MAX_NODE_IDS = 30;

export function encodeNews(news: News): string {
  const taskIds =
    news.taskIds !== null && news.taskIds.length <= MAX_TASK_IDS ? news.taskIds : null;
  const isShort = news.queuedFor.length <= MAX_NODE_IDS;
  const sessions = news.sessions.slice(0, MAX_NODE_IDS);
  // More than fit: everybody looks.
  const queuedFor = isShort ? news.queuedFor : ['*'];
  const nodes = news.nodes?.slice(0, MAX_NODE_IDS);
  const { from, operated } = news;
  const payload = JSON.stringify({ from, taskIds, queuedFor, sessions, nodes, operated });
  if (Buffer.byteLength(payload) <= MAX_BYTES) return payload;
  return JSON.stringify({ from: news.from, taskIds: null, queuedFor: ['*'], sessions: [] });
}

/** Returns null for a message that this program does not understand. */
export function decodeNews(payload: string): Required<News> | null {
  try {
    const news = JSON.parse(payload) as Partial<News>;
    if (typeof news.from !== 'string') return null;
    return {
      from: news.from,
      taskIds: Array.isArray(news.taskIds) ? news.taskIds : null,
      queuedFor: Array.isArray(news.queuedFor) ? news.queuedFor : [],
      sessions: Array.isArray(news.sessions) ? news.sessions : [],
      nodes: Array.isArray(news.nodes) ? news.nodes : [],
      operated: Array.isArray(news.operated) ? news.operated : [],
    };
  } catch {
    return null;
  }
}
