/**
 * Goes through all pages of a list.
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Task } from '../../proto/gen/muster/v1/task_pb.ts';
import type { ListTasksRequestSchema } from '../../proto/gen/muster/v1/task_service_pb.ts';
import type { Connection } from './connection.ts';
import { unary } from './connection.ts';

/** The largest page there is. */
const PAGE_SIZE = 200;

/** Yields the tasks of every page from the one asked for, newest first. */
export async function* allTaskPages(
  connection: Connection,
  request: MessageInitShape<typeof ListTasksRequestSchema>,
): AsyncGenerator<Task[]> {
  let pageToken = request.pageToken ?? '';
  do {
    const page = await connection.tasks.listTasks(
      { pageSize: PAGE_SIZE, ...request, pageToken },
      unary,
    );
    yield page.tasks;
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
}
