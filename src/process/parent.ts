/**
 * Lets a child process notice that its parent is gone.
 *
 * `up` gives each child a pipe as standard input and keeps the other end for as long as it lives. The kernel closes it even
 * after kill -9, so no pid has to be watched. Asked for by the environment variable MUSTER_PARENT=stdin.
 */

/** Aborts when the parent that asked for it has died; never otherwise. */
export function parentGone(env: Readonly<Record<string, string | undefined>>): AbortSignal {
  const gone = new AbortController();
  if (env['MUSTER_PARENT'] === 'stdin') {
    const abort = () => gone.abort();
    process.stdin.once('end', abort);
    process.stdin.once('close', abort);
    process.stdin.once('error', abort);
    process.stdin.resume();
  }
  return gone.signal;
}
