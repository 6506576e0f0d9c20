/**
 * Reads the texts that `run` sends: the body of a script and standard input.
 *
 * They travel as text, so they have to be UTF-8. How large they may be the server decides; a file so large that it could
 * never be right is not read at all.
 */
import { createReadStream } from 'node:fs';
import { CliFault } from './fault.ts';

const MAX_READ_BYTES = 16 * 1024 * 1024;

/**
 * Returns the text of a file, or of standard input for `-`.
 *
 * @param what names it in messages, for example `the script`
 * @throws CliFault when it cannot be read, is no text, or is enormous
 */
export async function readSource(file: string, what: string): Promise<string> {
  const name = file === '-' ? 'standard input' : file;
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    const stream: AsyncIterable<Uint8Array> = file === '-' ? process.stdin : createReadStream(file);
    for await (const part of stream) {
      parts.push(part);
      size += part.length;
      if (size > MAX_READ_BYTES) break;
    }
  } catch (error) {
    throw new CliFault(`cannot read ${what} from ${name}: ${reasonOf(error)}`, { cause: error });
  }
  if (size > MAX_READ_BYTES) {
    throw new CliFault(
      `cannot send ${what}: ${name} is far larger than 1 MiB; put it on the host and run it from there`,
    );
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(parts));
  } catch {
    throw new CliFault(`cannot send ${what}: ${name} is not UTF-8 text`);
  }
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES') return 'permission denied';
  if (code === 'EISDIR') return 'it is a folder';
  return message;
}
