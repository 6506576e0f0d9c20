/**
 * AgentService: the enrolment of hosts, and the session of each agent.
 *
 * A session is a generator: Hello in, Welcome out, then both directions run on their own until either ends. Whatever an
 * agent does ends its own stream at worst. The supervisor owns every timer of an open session.
 */
import type { ConnectRouter, HandlerContext } from '@connectrpc/connect';
import { MusterError } from '../../machines/errors.ts';
import {
  AgentService,
  GoodbyeReason,
  type Hello,
  type SessionRequest,
  type SessionResponse,
} from '../../proto/gen/muster/v1/agent_service_pb.ts';
import type { Clock } from '../process/clock.ts';
import type { Logger } from '../process/log.ts';
import type { OpenSession, Supervisor } from '../supervisor/supervisor.ts';
import { identityKey, makeNodeToken } from './auth.ts';
import { attemptContentMethods } from './file-service.ts';
import { peerKey } from './peer.ts';
import { goodbyeOf, responseOf, SessionLink } from './session-link.ts';
import { brokenBy, helloOf, PROTOCOL_VERSIONS } from './session-messages.ts';
import { SessionReader } from './session-reader.ts';
import { durationOf } from './times.ts';

const HELLO_TIMEOUT_MS = 10_000;
/** How long a Goodbye may take to leave before the stream is cut. */
const FAREWELL_MS = 5_000;
/** A Hello lists every attempt that a host holds. */
const READ_MAX_BYTES = 16 * 2 ** 20;

/** What the service needs. */
export interface AgentServiceOptions {
  readonly supervisor: Supervisor;
  readonly agentToken: string;
  readonly clock: Clock;
  readonly log: Logger;
}

export function routeAgentService(router: ConnectRouter, options: AgentServiceOptions): void {
  router.service(
    AgentService,
    {
      enroll: ({ nodeId }) => ({ nodeToken: makeNodeToken(options.agentToken, nodeId) }),
      session: (requests, context) => holdSession(requests, context, options),
      ...attemptContentMethods(options.supervisor.files),
    },
    // Output is sent as it comes; compressing it would cost more than the network it saves.
    { readMaxBytes: READ_MAX_BYTES, acceptCompression: [] },
  );
}

async function* holdSession(
  requests: AsyncIterable<SessionRequest>,
  context: HandlerContext,
  { supervisor, clock, log }: AgentServiceOptions,
): AsyncIterable<SessionResponse> {
  const messages = requests[Symbol.asyncIterator]();
  const peer = context.values.get(peerKey);
  const hello = await readHello(messages, clock);
  checkNode(hello, context);
  const version = PROTOCOL_VERSIONS.find((one) => hello.protocolVersions.includes(one));
  if (version === undefined) {
    yield goodbyeOf(GoodbyeReason.VERSION, versionSentence(hello));
    return;
  }
  const reader = new SessionReader();
  const link = new SessionLink(log.with({ node: hello.nodeId }), {
    onAcknowledged: (seq) => reader.acknowledged(seq),
    onHeartbeat: () => reader.excuseSilence(),
    onClosed() {
      reader.release();
      clock.after(FAREWELL_MS, () => peer?.destroy());
    },
  });
  const session = await supervisor.sessions.open(helloOf(hello), link);
  if (session === null) {
    yield* messagesOf(link);
    return;
  }
  const end = endOnce(session);
  // This generator may be stuck in a write when the other side is gone without a word.
  const onGone = () => {
    end(false);
    link.abandon();
  };
  context.signal.addEventListener('abort', onGone, { once: true });
  try {
    yield welcomeOf(supervisor, session, version);
    void reader.read(messages, session).then((ended) => {
      if (ended.kind === 'broken') {
        log.warn('session broken', { node: hello.nodeId, why: ended.message });
        link.close('protocol_error', ended.message);
        return;
      }
      end(ended.kind === 'left');
      link.abandon();
    });
    session.begin();
    yield* messagesOf(link);
  } finally {
    onGone();
  }
}

async function* messagesOf(link: SessionLink): AsyncIterable<SessionResponse> {
  for (let message = await link.next(); message !== null; message = await link.next()) {
    yield message;
  }
}

/** @throws MusterError `protocol_error` for silence, or any other message */
async function readHello(messages: AsyncIterator<SessionRequest>, clock: Clock): Promise<Hello> {
  const { promise: timedOut, reject } = Promise.withResolvers<never>();
  const timer = clock.after(HELLO_TIMEOUT_MS, () =>
    reject(brokenBy(`no Hello within ${HELLO_TIMEOUT_MS / 1000} s`)),
  );
  try {
    const first = await Promise.race([messages.next(), timedOut]);
    if (first.done) throw brokenBy('nothing');
    const { message } = first.value;
    if (message.case !== 'hello') throw brokenBy(`${message.case} before its Hello`);
    return message.value;
  } finally {
    timer.cancel();
  }
}

/** A node token opens sessions of its own node only. */
function checkNode(hello: Hello, context: HandlerContext): void {
  const identity = context.values.get(identityKey);
  if (identity?.kind === 'node' && identity.nodeId === hello.nodeId) return;
  const owner = identity?.kind === 'node' ? identity.nodeId : 'none';
  throw new MusterError(
    'permission_denied',
    `Cannot hold the session: Hello names node ${hello.nodeId}, and the token is that of node ${owner}; enroll ${hello.nodeId} first`,
  );
}

function versionSentence(hello: Hello): string {
  const theirs = hello.protocolVersions.join(', ');
  const ours = PROTOCOL_VERSIONS.join(', ');
  return `Cannot hold the session: the agent speaks protocol version ${theirs}, this supervisor ${ours}; use the same release on both sides`;
}

function welcomeOf(supervisor: Supervisor, session: OpenSession, version: number): SessionResponse {
  const { heartbeatIntervalMs, deadAfterMs } = supervisor.sessions;
  const value = {
    protocolVersion: version,
    epoch: BigInt(session.epoch),
    heartbeatInterval: durationOf(heartbeatIntervalMs),
    deadAfter: durationOf(deadAfterMs),
    supervisorId: supervisor.id,
  };
  return responseOf({ case: 'welcome', value });
}

/** Both directions see the end; the supervisor is told once, by the first. */
function endOnce(session: OpenSession): (isLeaving: boolean) => void {
  let isEnded = false;
  return (isLeaving) => {
    if (isEnded) return;
    isEnded = true;
    session.ended(isLeaving);
  };
}
