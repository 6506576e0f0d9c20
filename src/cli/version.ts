/** `muster version`: this command line and the runtime under it. */
import { runtimeName, runtimeVersion } from '../process/runtime.ts';
import { VERSION } from '../process/version.ts';
import type { ClientFlags } from './client-flags.ts';
import { EXIT } from './exit.ts';
import { outputForm, printDocument, printLines } from './output.ts';
import { stdout } from './sink.ts';

/** Shows the version; returns the exit code. */
export async function showVersion(flags: ClientFlags): Promise<number> {
  const form = outputForm(flags.output);
  const { platform, arch } = process;
  const runtime = runtimeName();
  const version = { version: VERSION, runtime, runtimeVersion: runtimeVersion(), platform, arch };
  if (form === 'json') await printDocument(version);
  else if (form === 'jsonl') await printLines([version]);
  else {
    await stdout.write(
      `muster ${VERSION} (${runtime} ${version.runtimeVersion}, ${platform} ${arch})\n`,
    );
  }
  return EXIT.ok;
}
