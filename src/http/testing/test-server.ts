/**
 * The whole port for a test, on a port that the system chooses: API, pages, limits, with or without TLS.
 */
import { getRequestListener } from '@hono/node-server';
import { type Clock, systemClock } from '../../process/clock.ts';
import { type Logger, silentLogger } from '../../process/log.ts';
import type { Tokens } from '../../rpc/auth.ts';
import { createApi } from '../../rpc/routes.ts';
import type { Supervisor } from '../../supervisor/supervisor.ts';
import { createHttpHandler, type HttpHandler } from '../adapter.ts';
import { createApp } from '../app.ts';
import type { Assets } from '../console/assets.ts';
import { createInspectSockets } from '../inspect/sockets.ts';
import { listen, type Listener } from '../listen.ts';
import { readProcessMetrics } from '../metrics.ts';

export interface TestServer extends Listener {
  /** Begins the stop: streams end. */
  stop(): void;
}

export async function startTestServer(options: {
  supervisor: Supervisor;
  tokens: Tokens;
  tls?: boolean;
  clock?: Clock;
  log?: Logger;
  headersTimeoutMs?: number;
  assets?: Assets;
}): Promise<TestServer> {
  const { supervisor, tokens, clock = systemClock, log = silentLogger } = options;
  const stopping = new AbortController();
  const api = createApi({ supervisor, tokens, clock, log, stopping: stopping.signal });
  const app = createApp({
    isServing: () => supervisor.isServing() && !stopping.signal.aborted,
    isUser: (authorization) => api.isUser(authorization),
    readMetrics: () => readProcessMetrics(api.counter.read(), supervisor.isServing()),
    console: {
      assets: options.assets ?? null,
      userToken: tokens.user,
      isUser: (authorization) => api.isUser(authorization),
      now: () => clock.now(),
      isTls: options.tls === true,
    },
  });
  const fallback = getRequestListener(app.fetch, { overrideGlobalObjects: false }) as HttpHandler;
  const handler = createHttpHandler(api, fallback, log);
  const tls = options.tls === true ? { cert: TEST_CERT, key: TEST_KEY } : null;
  const { headersTimeoutMs } = options;
  const limits = headersTimeoutMs === undefined ? {} : { headersTimeoutMs };
  const listener = await listen({
    host: '127.0.0.1',
    port: 0,
    tls,
    handler,
    onUpgrade: createInspectSockets({
      tasks: supervisor.tasks,
      isUser: (header, host) => api.isUserRequest(header, host),
      clock,
      log,
      stopping: stopping.signal,
    }),
    clock,
    log,
    ...limits,
  });
  return { ...listener, stop: () => stopping.abort() };
}

/** Signed by itself for localhost, good until 2126. */
export const TEST_CERT = `-----BEGIN CERTIFICATE-----
MIIBnDCCAUGgAwIBAgIUawcJo7kiZ1ovkQJpj+tNi0LOrRowCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMzIyMDQzOFoYDzIxMjYxMDMw
MjIwNDM4WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQl+6YP3f8RAC0lGx/+cTsq1C4kfWUUmv/4JxeyDjtcGYdDCuYxrLE3
QREKRyn4cGNttQx09piKctH+cMYOGr1mo28wbTAdBgNVHQ4EFgQUQlqA7FnHR34h
YECjGKPbx57WCqMwHwYDVR0jBBgwFoAUQlqA7FnHR34hYECjGKPbx57WCqMwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSQAwRgIhAKvvKmxClwm56adjxhV1Qi3I50FDzkSC9n9J8uU1v0x9AiEA
540+2C3aVH67dKQucDpp0Lj4BwbB2KIQh+cXWjzYQpk=
-----END CERTIFICATE-----
`;

export const TEST_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg/bVweatujwGhZ0qa
CRgpZanXsnk+Lx/s3x0XFuTPkaKhRANCAAQl+6YP3f8RAC0lGx/+cTsq1C4kfWUU
mv/4JxeyDjtcGYdDCuYxrLE3QREKRyn4cGNttQx09piKctH+cMYOGr1m
-----END PRIVATE KEY-----
`;
