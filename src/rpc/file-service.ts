/**
 * FileService, and the calls by which attempts of file actions transfer contents.
 *
 * A user may read and write every content. A node may read the one that an attempt running there is to put, and store the one
 * that such an attempt fetches: which that is says the task, not the caller.
 */
import type { ConnectRouter, HandlerContext, ServiceImpl } from '@connectrpc/connect';
import { MusterError } from '../../machines/errors.ts';
import type { AgentService } from '../../proto/gen/muster/v1/agent_service_pb.ts';
import type { FileAction } from '../../proto/gen/muster/v1/file_action_pb.ts';
import { FileService } from '../../proto/gen/muster/v1/file_service_pb.ts';
import type { CallingAttempt, Chunk, Files, Supervisor } from '../supervisor/supervisor.ts';
import { identityKey } from './auth.ts';
import { specOf } from './task-messages.ts';
import { timestampOf } from './times.ts';

const MAX_READ_BYTES = 2 ** 20;

export function routeFileService(router: ConnectRouter, { files }: Supervisor): void {
  router.service(FileService, {
    async getContent({ sha256 }) {
      const { isComplete, storedBytes, sizeBytes } = await files.find(sha256);
      return {
        complete: isComplete,
        storedBytes: BigInt(storedBytes),
        sizeBytes: BigInt(sizeBytes),
      };
    },
    async uploadChunk(request) {
      return progressOf(await files.upload(chunkOf(request)));
    },
    async readContent({ sha256, offset, limitBytes = MAX_READ_BYTES }) {
      const { content, sizeBytes } = await files.read(sha256, Number(offset), limitBytes);
      return { content, sizeBytes: BigInt(sizeBytes) };
    },
    async getFetchedFile({ taskId }) {
      const { sha256, sizeBytes, at } = await files.fetched(taskId.toLowerCase());
      return { sha256, sizeBytes: BigInt(sizeBytes), at: timestampOf(at) };
    },
  });
}

/** The methods of AgentService that attempts of file actions call, with the token of their node. */
export function attemptContentMethods(
  files: Files,
): Pick<ServiceImpl<typeof AgentService>, 'readAttemptContent' | 'storeAttemptContent'> {
  return {
    async readAttemptContent(request, context) {
      const { path, operation } = await actionOfCaller(files, callingAttempt(request, context));
      if (operation.case !== 'put') throw notAllowed(path, 'puts no content there');
      const offset = Number(request.offset);
      const { content } = await files.read(operation.value.sha256, offset, MAX_READ_BYTES);
      return { content };
    },
    async storeAttemptContent(request, context) {
      const attempt = callingAttempt(request, context);
      const { path, operation } = await actionOfCaller(files, attempt);
      if (operation.case !== 'get') throw notAllowed(path, 'does not fetch it');
      return progressOf(await files.store(attempt, chunkOf(request)));
    },
  };
}

function callingAttempt(
  { taskId, attempt }: { readonly taskId: string; readonly attempt: number },
  context: HandlerContext,
): CallingAttempt {
  const identity = context.values.get(identityKey);
  const nodeId = identity?.kind === 'node' ? identity.nodeId : '';
  return { nodeId, taskId: taskId.toLowerCase(), attempt };
}

async function actionOfCaller(files: Files, attempt: CallingAttempt): Promise<FileAction> {
  const { action } = specOf(await files.specOf(attempt));
  if (action.case === 'file') return action.value;
  throw new MusterError(
    'permission_denied',
    `Cannot transfer the content: task ${attempt.taskId} does nothing to a file`,
  );
}

function notAllowed(path: string, what: string): MusterError {
  return new MusterError(
    'permission_denied',
    `Cannot transfer the content: the task on ${path} ${what}`,
  );
}

function chunkOf(request: {
  readonly sha256: string;
  readonly sizeBytes: bigint;
  readonly offset: bigint;
  readonly content: Uint8Array;
}): Chunk {
  const { sha256, sizeBytes, offset, content } = request;
  return { sha256, sizeBytes: Number(sizeBytes), offset: Number(offset), content };
}

function progressOf({ storedBytes, isComplete }: { storedBytes: number; isComplete: boolean }) {
  return { storedBytes: BigInt(storedBytes), complete: isComplete };
}
