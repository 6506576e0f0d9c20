/**
 * Who gets the session of a node, where two agents have been given the same node id.
 *
 * The database decides (openNodeSession): the agent whose session is alive keeps the node, and another boot is refused until that
 * session is dead. Were it let in, the attempts of the first one would count as lost while their processes run on, and the first
 * one would come back and do the same. Called by SessionRegistry with each Hello.
 */
import { closeNodeSession, openNodeSession } from '../../db/nodes.ts';
import type { NodeHolder, NodeSessionOpened } from '../../db/nodes.ts';
import type { Clock } from '../process/clock.ts';
import type { Logger } from '../process/log.ts';
import type { Session } from './session.ts';
import type { Store } from './store.ts';
import type { AgentHello, AgentLink } from './supervisor.ts';

/** A refused agent tries again every few seconds; the log says so this often, for each node. */
const WARNING_INTERVAL_MS = 10 * 60_000;

export interface NodeClaimsOptions {
  readonly store: Store;
  readonly supervisorId: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long a session without a sign of life counts as alive. */
  readonly deadAfterMs: number;
}

export class NodeClaims {
  readonly #options: NodeClaimsOptions;
  /** When the log spoke of each node last, by the monotonic clock; the oldest first. */
  readonly #warnedAt = new Map<string, number>();
  /** Ends of sessions that are being written down, by node. */
  readonly #releases = new Map<string, Promise<void>>();

  constructor(options: NodeClaimsOptions) {
    this.#options = options;
  }

  /** Writes down the end of a session. */
  async release(nodeId: string, epoch: number, isLeaving: boolean): Promise<void> {
    const { store, log } = this.#options;
    const release = store
      .read((sql) => closeNodeSession(sql, nodeId, epoch, isLeaving))
      .then(
        () => {},
        // Its silence says the same a little later.
        (error: unknown) =>
          log.warn('cannot write down the end of a session', { nodeId, epoch, error }),
      );
    this.#releases.set(nodeId, release);
    await release;
    if (this.#releases.get(nodeId) === release) this.#releases.delete(nodeId);
  }

  /**
   * Opens the next epoch of the node, or says Goodbye and returns null.
   *
   * @param ownOf the session of a node that is held here, if there is one
   * @throws MusterError `unavailable`
   */
  async claim(
    hello: AgentHello,
    link: AgentLink,
    ownOf: (nodeId: string) => Session | undefined,
  ): Promise<NodeSessionOpened | null> {
    const { store, supervisorId, deadAfterMs } = this.#options;
    const { nodeId, bootId, labels, facts, slots } = hello;
    // What has ended here must not count as alive only because that is not written yet.
    await this.#releases.get(nodeId);
    const own = ownOf(nodeId);
    const opened = await store.read((sql) =>
      openNodeSession(
        sql,
        { nodeId, bootId, labels, facts, slots, supervisorId },
        {
          deadAfterMs,
          own:
            own === undefined ? null : { epoch: own.epoch, isHeard: own.silentMs <= deadAfterMs },
        },
      ),
    );
    if (opened.holder === null) return opened;
    this.#warn(hello, opened.holder);
    link.close('replaced', refusalOf(nodeId, opened.holder));
    return null;
  }

  #warn({ nodeId, facts }: AgentHello, holder: NodeHolder): void {
    const now = this.#options.clock.monotonic();
    for (const [node, at] of this.#warnedAt) {
      if (now - at < WARNING_INTERVAL_MS) break;
      this.#warnedAt.delete(node);
    }
    if (this.#warnedAt.has(nodeId)) return;
    this.#warnedAt.set(nodeId, now);
    const { hostname } = facts as { hostname?: string };
    this.#options.log.warn('two agents have the same node id: the second is refused', {
      nodeId,
      heldBy: holder.hostname,
      refused: hostname ?? null,
    });
  }
}

/** What the refused agent is told, for whoever reads its log. */
function refusalOf(nodeId: string, { hostname, silentMs }: NodeHolder): string {
  const where = hostname === null ? '' : ` on host ${hostname}`;
  const ago = (silentMs / 1000).toFixed(0);
  return (
    `Cannot hold the session: another agent${where} has the node id ${nodeId} and is connected, last seen ${ago} s ago; ` +
    'give one of the two another id (--node), or stop the other one. ' +
    'If this is the same host after a failure, it gets in as soon as the old connection counts as dead'
  );
}
