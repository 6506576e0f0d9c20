/**
 * The console: state machines of tasks, live, in a browser. Starts the page.
 *
 *   router (all that is seen is in the URL) ── screens ── queries (calls, cached) and live (one stream per tab)
 */
import { TransportProvider } from '@connectrpc/connect-query';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { transport } from './connection.ts';
import { link } from './live.ts';
import { router } from './router.tsx';
import { startTheme } from './theme.ts';
import './theme.css';

startTheme();

const queries = new QueryClient({
  defaultOptions: { queries: { staleTime: 5_000, retry: 1, refetchOnWindowFocus: true } },
});

// What could not be read while the supervisor was away is read once it is back, not when its turn comes.
let wasOffline = false;
link.onStateChange(() => {
  const isBack = wasOffline && link.state === 'online';
  wasOffline = link.state === 'offline' || (wasOffline && !isBack);
  if (isBack) void queries.invalidateQueries();
});

const root = document.getElementById('root');
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <TransportProvider transport={transport}>
        <QueryClientProvider client={queries}>
          <RouterProvider router={router} />
        </QueryClientProvider>
      </TransportProvider>
    </StrictMode>,
  );
}
