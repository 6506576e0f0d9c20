/**
 * Who may call what (I11): three tokens, and one gate before every call.
 *
 * The gate runs on the headers, before any byte of a message is read. Whatever is given, the same comparisons of digests
 * are made, so that the time an answer takes says nothing about a token. No token is ever logged.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { createContextKey, type HandlerContext } from '@connectrpc/connect';
import { MusterError } from '../../machines/errors.ts';
import { Health } from '../../proto/gen/grpc/health/v1/health_pb.ts';
import { AgentService } from '../../proto/gen/muster/v1/agent_service_pb.ts';
import type { Logger } from '../process/log.ts';
import type { Caller } from '../supervisor/supervisor.ts';
import { actionOf } from './actions.ts';
import { toConnectError } from './errors.ts';
import { peerKey } from './peer.ts';

/** The two secrets of an installation. */
export interface Tokens {
  /** For people and programs: everything but AgentService. */
  readonly user: string;
  /** For hosts: nothing but AgentService.Enroll. Also the key that node tokens are made with. */
  readonly agent: string;
}

/** Whose token came with a call. */
export type Identity =
  | { readonly kind: 'user' }
  | { readonly kind: 'agent' }
  | { readonly kind: 'node'; readonly nodeId: string };

/** The identity of the caller of the current call; null where none is needed. */
export const identityKey = createContextKey<Identity | null>(null, {
  description: 'the identity of the caller',
});

/** Names the caller for creators and histories. */
export function callerOf(context: Pick<HandlerContext, 'values'>): Caller {
  return { name: context.values.get(identityKey)?.kind ?? 'nobody' };
}

const NODE_TOKEN_PREFIX = 'mn1.';

/** Makes the token that opens sessions of one node and nothing else. */
export function makeNodeToken(agentToken: string, nodeId: string): string {
  const mac = createHmac('sha256', agentToken).update(`muster node ${nodeId}`).digest('base64url');
  return `${NODE_TOKEN_PREFIX}${nodeId}.${mac}`;
}

/** Makes a function that tells whose token an Authorization header carries; null for nobody's. */
export function createIdentify(tokens: Tokens): (authorization: string | null) => Identity | null {
  const userDigest = digestOf(tokens.user);
  const agentDigest = digestOf(tokens.agent);
  return (authorization) => {
    const given = /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? '';
    const givenDigest = digestOf(given);
    const nodeId = given.startsWith(NODE_TOKEN_PREFIX)
      ? given.slice(NODE_TOKEN_PREFIX.length, Math.max(given.lastIndexOf('.'), 0))
      : '';
    const isUser = timingSafeEqual(givenDigest, userDigest);
    const isAgent = timingSafeEqual(givenDigest, agentDigest);
    const isNode = timingSafeEqual(givenDigest, digestOf(makeNodeToken(tokens.agent, nodeId)));
    if (isUser) return { kind: 'user' };
    if (isAgent) return { kind: 'agent' };
    return isNode && nodeId !== '' ? { kind: 'node', nodeId } : null;
  };
}

/**
 * Makes a function that tells who sent a request: whoever's token it carries, and without any token a browser by its session.
 *
 * @param isBrowser tells whether the headers carry the session of a browser, sent by a page of ours from this host
 */
export function createIdentifyRequest(
  identify: (authorization: string | null) => Identity | null,
  isBrowser: (header: Headers, host: string | null) => boolean,
): (header: Headers, host: string | null) => Identity | null {
  return (header, host) => {
    const authorization = header.get('authorization');
    if (authorization === null && isBrowser(header, host)) return { kind: 'user' };
    return identify(authorization);
  };
}

/**
 * Makes the gate that every call passes before its message is read.
 */
export function createGate(
  identifyRequest: (header: Headers, host: string | null) => Identity | null,
  log: Logger,
): (context: HandlerContext) => void {
  return (context) => {
    const needed = neededFor(context.service.typeName, context.method.name);
    if (needed === null) return;
    const host = context.values.get(peerKey)?.host ?? null;
    const identity = identifyRequest(context.requestHeader, host);
    if (identity?.kind === needed) {
      context.values.set(identityKey, identity);
      return;
    }
    const method = `${context.service.typeName}/${context.method.name}`;
    const peer = context.values.get(peerKey)?.address ?? 'in memory';
    log.warn('call refused', { method, peer, with: identity?.kind ?? 'no valid token' });
    const action = actionOf(context.method.name);
    const refusal =
      identity === null
        ? new MusterError('unauthenticated', `Cannot ${action}: ${unknownSentence(context)}`)
        : new MusterError(
            'permission_denied',
            `Cannot ${action}: the ${identity.kind} token does not allow it; it takes the ${needed} token`,
          );
    throw toConnectError(refusal, action, context.signal, log);
  };
}

function unknownSentence(context: HandlerContext): string {
  return context.requestHeader.has('authorization')
    ? 'the token is not valid here; use the one of this supervisor'
    : 'no token was given; send the header "Authorization: Bearer TOKEN"';
}

/** The kind of token that a method takes; null for none. */
function neededFor(service: string, method: string): Identity['kind'] | null {
  if (service === Health.typeName) return null;
  if (service !== AgentService.typeName) return 'user';
  return method === AgentService.method.enroll.name ? 'agent' : 'node';
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
