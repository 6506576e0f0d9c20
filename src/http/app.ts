/**
 * What the port serves besides the API: the console, the two probes, and metrics.
 *
 * Probes are open; metrics take the user token, as everything that tells something does.
 */
import { Hono } from 'hono';
import { addConsole } from './console/routes.ts';
import type { ConsoleOptions } from './console/routes.ts';
import { VERSION } from '../process/version.ts';
import { showMetrics, type Metric } from './metrics.ts';

/** What the pages show, read anew for each request. */
export interface AppOptions {
  isServing(): boolean;
  /** Tells whether an Authorization header carries the user token. */
  isUser(authorization: string | null): boolean;
  readMetrics(): readonly Metric[];
  readonly console: ConsoleOptions;
}

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Muster ${VERSION}</title>
<h1>Muster ${VERSION}</h1>
<p>The console has not been built here: <code>./muster install</code> does it. Restart the supervisor then.</p>
<p>This port serves the API <code>muster.v1</code> over Connect, gRPC and gRPC-Web, with a bearer token.</p>
<p>Use <code>./muster</code> on the command line. Probes: <a href="/healthz">/healthz</a>, <a href="/readyz">/readyz</a>.
Metrics: <code>/metrics</code>, with the same token.</p>
</html>
`;

export function createApp(options: AppOptions): Hono {
  const app = new Hono();
  app.get('/healthz', (c) => c.json({ status: 'ok' }));
  app.get('/readyz', (c) =>
    options.isServing()
      ? c.json({ status: 'ready' })
      : c.json(
          { message: 'Cannot serve calls now: starting, stopping, or without a database' },
          503,
        ),
  );
  app.get('/metrics', (c) => {
    if (options.isUser(c.req.header('authorization') ?? null)) {
      const type = 'text/plain; version=0.0.4; charset=utf-8';
      return c.body(showMetrics(options.readMetrics()), 200, { 'content-type': type });
    }
    const message =
      'Cannot read metrics: send the header "Authorization: Bearer TOKEN" with the user token';
    return c.json({ message }, 401, { 'www-authenticate': 'Bearer' });
  });
  addConsole(app, options.console);
  if (options.console.assets === null) app.get('/', (c) => c.html(PAGE));
  app.notFound((c) => {
    const message = `There is nothing at ${c.req.method} ${c.req.path}; the API is muster.v1, for example POST /muster.v1.TaskService/ListTasks`;
    return c.json({ message }, 404);
  });
  return app;
}
