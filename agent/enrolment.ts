/**
 * The token of this node: got once from the supervisor for the agent token, kept in the data folder. Called by Session.
 *
 * A token never gets into a log or onto a command line; the file is for the agent's user alone.
 */
import { rename, rm, writeFile } from 'node:fs/promises';
import { Code, ConnectError } from '@connectrpc/connect';
import { StartError } from '../src/process/start-error.ts';
import { readOwnToken } from '../src/process/tokens.ts';
import type { Connection } from './transport.ts';

const ENROL_TIMEOUT_MS = 10_000;

/** The supervisor does not take the token it is given; only a person can help. */
export class EnrolmentRefused extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'EnrolmentRefused';
  }
}

export interface EnrolmentOptions {
  readonly nodeId: string;
  /** Null on a host that has enrolled and was not given it again. */
  readonly agentToken: string | null;
  /** Where the node's token is kept. */
  readonly path: string;
}

export class Enrolment {
  readonly #options: EnrolmentOptions;
  #token: string | null = null;

  constructor(options: EnrolmentOptions) {
    this.#options = options;
  }

  /**
   * Returns the headers that open a session, with a new token where none is kept.
   *
   * @throws EnrolmentRefused if the supervisor does not take the agent token, or there is none
   */
  async headers(connection: Connection): Promise<Headers> {
    this.#token ??= (await this.#readKept()) ?? (await this.#enrol(connection));
    return bearer(this.#token);
  }

  /**
   * The kept token does not count any more: the next session gets a new one.
   *
   * @throws EnrolmentRefused if there is no agent token to get it with; the kept one stays
   */
  async renew(): Promise<void> {
    const { nodeId, agentToken, path } = this.#options;
    if (agentToken === null) {
      throw new EnrolmentRefused(
        `Cannot open a session: the supervisor does not take the token of node ${nodeId}, and there is no agent token ` +
          'to enrol again with; give it in MUSTER_AGENT_TOKEN_FILE once',
      );
    }
    this.#token = null;
    await rm(path, { force: true });
  }

  async #readKept(): Promise<string | null> {
    try {
      return await readOwnToken(this.#options.path);
    } catch (cause) {
      if (!(cause instanceof StartError)) throw cause;
      // Damaged, or open to others: a new one takes its place.
      return null;
    }
  }

  async #enrol({ client }: Connection): Promise<string> {
    const { nodeId, agentToken, path } = this.#options;
    if (agentToken === null) {
      throw new EnrolmentRefused(
        `Cannot enrol node ${nodeId}: there is no agent token; give it in MUSTER_AGENT_TOKEN_FILE once`,
      );
    }
    try {
      const options = { headers: bearer(agentToken), timeoutMs: ENROL_TIMEOUT_MS };
      const { nodeToken } = await client.enroll({ nodeId }, options);
      const fresh = `${path}.new`;
      await writeFile(fresh, `${nodeToken}\n`, { mode: 0o600 });
      await rename(fresh, path);
      return nodeToken;
    } catch (cause) {
      if (!isTokenRefused(cause)) throw cause;
      throw new EnrolmentRefused(
        `Cannot enrol node ${nodeId}: the supervisor does not take this agent token; use the one from its data folder`,
        { cause },
      );
    }
  }
}

/** Tells whether a call failed because of its token. */
export function isTokenRefused(cause: unknown): boolean {
  const { code } = ConnectError.from(cause);
  return code === Code.Unauthenticated || code === Code.PermissionDenied;
}

function bearer(token: string): Headers {
  return new Headers({ authorization: `Bearer ${token}` });
}
