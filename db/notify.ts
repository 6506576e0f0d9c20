/**
 * News between supervisors, by NOTIFY on one channel. Sent inside insertTasks and updateTasks, one message for each commit.
 *
 * A message can be lost: when the connection that listens breaks, nothing is kept for it. So news only say where to look, and the
 * listener is told when it has to look everywhere.
 */
import type { Sql } from './connect.ts';

const CHANNEL = 'muster';

/**
 * Listens on a connection of its own, which is opened again whenever it is lost.
 *
 * @param onGap called when it has come back after a loss: messages in between are lost
 */
export async function listen(
  sql: Sql,
  onNews: (payload: string) => void,
  onGap: () => void,
): Promise<{ stop(): Promise<void> }> {
  let isStopped = false;
  let isFirst = true;
  const listening = await sql.listen(
    CHANNEL,
    (payload) => {
      if (!isStopped) onNews(payload);
    },
    () => {
      if (isFirst) isFirst = false;
      else if (!isStopped) onGap();
    },
  );
  return {
    async stop() {
      isStopped = true;
      // The connection may be away; then there is nothing to take back.
      await listening.unlisten().catch(() => {});
    },
  };
}

/** Sends news to every supervisor that listens, by a statement of its own. Group commits carry theirs themselves. */
export async function notify(sql: Sql, news: string): Promise<void> {
  await sql`select pg_notify(${CHANNEL}, ${news})`;
}
