/**
 * The whole API: every service, and what stands before them, in this order: the gate (on the headers), then counting,
 * errors and constraints (on the messages).
 *
 * Served by src/http, and by tests in memory.
 */
import type { ConnectRouter, ConnectRouterOptions } from '@connectrpc/connect';
import type { Clock } from '../process/clock.ts';
import type { Logger } from '../process/log.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import { actionOf } from './actions.ts';
import { routeAgentService } from './agent-service.ts';
import { createGate, createIdentify, createIdentifyRequest, type Tokens } from './auth.ts';
import { isSameOrigin, isSession } from './console-session.ts';
import { CallCounter } from './call-counter.ts';
import { createErrorInterceptor } from './errors.ts';
import { routeFileService } from './file-service.ts';
import { routeGroupService } from './group-service.ts';
import { routeHealthService } from './health-service.ts';
import { routeLiveService } from './live-service.ts';
import { routeMachineService } from './machine-service.ts';
import { routeNodeService } from './node-service.ts';
import { routeScheduleService } from './schedule-service.ts';
import { routeTaskService } from './task-service.ts';
import { validationInterceptor } from './validation.ts';

/** The largest request message; a script may be 1 MiB of it. */
export const READ_MAX_BYTES = 4 * 2 ** 20;
/** Smaller answers are sent as they are. */
const COMPRESS_MIN_BYTES = 16 * 2 ** 10;

/** What the API needs. */
export interface ApiOptions {
  readonly supervisor: Supervisor;
  readonly tokens: Tokens;
  readonly clock: Clock;
  readonly log: Logger;
  /** Fires when the process begins to stop: streams end, waiting calls return. */
  readonly stopping: AbortSignal;
}

/** The API, ready to be served. */
export interface Api {
  readonly routes: (router: ConnectRouter) => void;
  readonly options: ConnectRouterOptions;
  readonly counter: CallCounter;
  /** Tells whether an Authorization header carries the user token. */
  isUser(authorization: string | null): boolean;
  /** Tells whether a request comes from the user: with the token, or from a page of ours with its session. */
  isUserRequest(header: Headers, host: string | null): boolean;
}

export function createApi({ supervisor, tokens, clock, log, stopping }: ApiOptions): Api {
  const identify = createIdentify(tokens);
  const isBrowser = (header: Headers, host: string | null) =>
    isSession(tokens.user, header.get('cookie'), clock.now()) &&
    isSameOrigin({ site: header.get('sec-fetch-site'), origin: header.get('origin'), host });
  const identifyRequest = createIdentifyRequest(identify, isBrowser);
  const counter = new CallCounter();
  return {
    counter,
    isUser: (authorization) => identify(authorization)?.kind === 'user',
    isUserRequest: (header, host) => identifyRequest(header, host)?.kind === 'user',
    routes(router) {
      routeTaskService(router, supervisor, stopping);
      routeNodeService(router, supervisor);
      routeGroupService(router, supervisor);
      routeScheduleService(router, supervisor);
      routeFileService(router, supervisor);
      routeMachineService(router, supervisor);
      routeLiveService(router, supervisor, clock, log, stopping);
      routeAgentService(router, { supervisor, agentToken: tokens.agent, clock, log });
      routeHealthService(router, supervisor, clock, stopping);
    },
    options: {
      requestGate: createGate(identifyRequest, log),
      interceptors: [
        counter.interceptor,
        createErrorInterceptor(actionOf, log),
        validationInterceptor,
      ],
      readMaxBytes: READ_MAX_BYTES,
      compressMinBytes: COMPRESS_MIN_BYTES,
      // A misspelt field is refused, not ignored: an unknown interpreter would run as sh otherwise.
      jsonOptions: STRICT_JSON,
    },
  };
}

/** Bytes that are no UTF-8 are refused as well, not replaced. The library takes the decoder from these options. */
const STRICT_JSON = {
  ignoreUnknownFields: false,
  textDecoder: new TextDecoder('utf-8', { fatal: true }),
};
