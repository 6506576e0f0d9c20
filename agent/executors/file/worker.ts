/**
 * The program that carries out one file action. Started by the file executor as a script is, with its request on standard input.
 *
 * A process of its own: it outlives the agent as scripts do, and a large file does not keep the agent from anything. It ends with
 * 0 and a line about what was done, or with 1 and a sentence about why not; a stop leaves nothing behind.
 */
import { readFileSync, writeSync } from 'node:fs';
import { systemClock } from '../../../src/process/clock.ts';
import { SupervisorContents } from './contents.ts';
import { reasonOf } from './failure.ts';
import { deleteFile, describeFile, fetchFile } from './look.ts';
import { Place } from './place.ts';
import { putFile } from './put.ts';
import type { FileOperation, FileRequest } from './request.ts';

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
/** As a shell reports the end by SIGTERM. */
const TERMINATED = 143;
/** A timer that does nothing keeps the process alive between two tries: those of the clock do not. */
const KEEP_ALIVE_MS = 2 ** 30;

const VERBS: Readonly<Record<FileOperation['kind'], string>> = {
  put: 'write',
  get: 'fetch',
  delete: 'delete',
  stat: 'look at',
};

let removeTemporary: (() => void) | null = null;

process.on('SIGTERM', () => {
  removeTemporary?.();
  process.exit(TERMINATED);
});

setInterval(() => {}, KEEP_ALIVE_MS);
process.exit(await run(JSON.parse(readFileSync(STDIN, 'utf8')) as FileRequest));

async function run(request: FileRequest): Promise<number> {
  const { path, operation } = request;
  const contents = new SupervisorContents(request, systemClock, (sentence) =>
    writeSync(STDERR, `${sentence}\n`),
  );
  try {
    writeSync(STDOUT, await carryOut(request, contents));
    return 0;
  } catch (cause) {
    writeSync(STDERR, `Cannot ${VERBS[operation.kind]} ${path}: ${reasonOf(cause)}\n`);
    return 1;
  }
}

/** Returns what to say about it. */
async function carryOut(request: FileRequest, contents: SupervisorContents): Promise<string> {
  const { nodeId, path, operation } = request;
  const isCreating = operation.kind === 'put' && operation.isCreatingParents;
  const place = Place.open(path, request, isCreating);
  try {
    switch (operation.kind) {
      case 'put': {
        const onTemporary = (remove: (() => void) | null) => void (removeTemporary = remove);
        const result = await putFile(place, operation, { nodeId, contents, onTemporary });
        return `${result} ${path}\n`;
      }
      case 'get':
        return `fetched ${path}: ${await fetchFile(place, contents)}\n`;
      case 'delete':
        return `${deleteFile(place) ? 'deleted' : 'absent'} ${path}\n`;
      case 'stat':
        return describeFile(path, place);
    }
  } finally {
    place.close();
  }
}
