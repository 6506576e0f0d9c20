/** The log-in: the token is typed once, and kept nowhere; a cookie stands for it from then on. */
import { useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { logIn } from '../connection.ts';
import { Button, Command, Failure } from '../ui/page.tsx';

export function Screen() {
  const { from } = useSearch({ strict: false }) as { from?: string };
  const [token, setToken] = useState('');
  const [failure, setFailure] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const submit = async () => {
    setBusy(true);
    const why = await logIn(token);
    setBusy(false);
    setFailure(why);
    // A whole new page: nothing of before the log-in is left. Only paths of ours.
    if (why === null) location.assign(from?.startsWith('/') && !from.startsWith('//') ? from : '/');
  };
  return (
    <main className="grid h-full place-items-center p-4">
      <form
        className="flex w-full max-w-md flex-col gap-4 rounded-xl border border-line bg-panel p-6"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <h1 className="flex items-center gap-2 text-lg font-semibold">
          <img src="/icon.svg" alt="" width="26" height="26" /> Muster
        </h1>
        <label className="flex flex-col gap-1.5">
          <span>User token</span>
          <input
            type="password"
            autoComplete="current-password"
            autoFocus
            required
            value={token}
            onChange={(event) => setToken(event.target.value)}
            className="rounded-md border border-line bg-page px-3 py-2 font-mono"
          />
        </label>
        <p className="text-soft">
          It stands in the file <Command>token</Command> of the data folder:{' '}
          <Command>cat .muster/token</Command>
        </p>
        {failure === null ? null : <Failure>{failure}</Failure>}
        <Button kind="main" type="submit" isDisabled={isBusy}>
          Log in
        </Button>
      </form>
    </main>
  );
}
