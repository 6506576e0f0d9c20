/**
 * The body of a script on disk, where the one who runs it can read it and nobody else. Used by the script executor.
 *
 * For another user that is a folder outside the agent's. It belongs to root: the user reads the files in it and changes nothing,
 * so that root can remove it later without being led astray by a link.
 */
import { chmodSync, chownSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Interpreter, type ScriptAction } from '../../../proto/gen/muster/v1/task_pb.ts';
import type { HostUser } from './user.ts';

/** In the attempt's folder: leads to the folder made for another user. */
const LINK = 'user';

/** Writes the body of an action that has one, and returns its absolute path. */
export function writeBody(action: ScriptAction, folder: string, user: HostUser | null): string {
  const body = action.program.case === 'body' ? action.program.value : '';
  const bodyFolder = user === null ? folder : makeUserFolder(folder);
  writeFor(user, join(bodyFolder, 'body'), body);
  // Node asks the nearest package.json above what a script is; one of somebody else must not answer.
  if (action.interpreter === Interpreter.NODE)
    writeFor(user, join(bodyFolder, 'package.json'), '{}');
  return join(bodyFolder, 'body');
}

/** Removes what `writeBody` left outside the attempt's folder. */
export async function removeBody(folder: string): Promise<void> {
  const userFolder = await readlink(join(folder, LINK)).catch(() => null);
  if (userFolder !== null) await rm(userFolder, { recursive: true, force: true });
}

function makeUserFolder(folder: string): string {
  const path = mkdtempSync(join(tmpdir(), 'muster-'));
  symlinkSync(path, join(folder, LINK));
  // Others may pass through to a name they know, and see nothing.
  chmodSync(path, 0o711);
  return path;
}

function writeFor(user: HostUser | null, path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o600 });
  if (user !== null) chownSync(path, user.uid, user.gid);
}
