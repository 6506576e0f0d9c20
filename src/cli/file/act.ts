/**
 * `muster file …`: a file action as a task that is followed as by `muster run`; before a put its content is uploaded, after a get
 * what was fetched is written down here.
 */
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { FileActionSchema } from '../../../proto/gen/muster/v1/file_action_pb.ts';
import type { Task } from '../../../proto/gen/muster/v1/task_pb.ts';
import { TaskState } from '../../../proto/gen/muster/v1/task_pb.ts';
import type { Connection } from '../connection.ts';
import { withConnection } from '../connection.ts';
import { showOf } from '../fan-out-flags.ts';
import { CliFault, UsageFault } from '../fault.ts';
import { outputForm } from '../output.ts';
import { allTaskPages } from '../pages.ts';
import { Reconnect } from '../reconnect.ts';
import { followSpec, runSpec } from '../run.ts';
import type { TaskFlags } from '../run-spec.ts';
import { taskSpec } from '../run-spec.ts';
import { selectionOf } from '../selection-flags.ts';
import { note } from '../sink.ts';
import { downloadTo, STDOUT } from './download.ts';
import { openSource, uploadSource } from './upload.ts';

/** The flags of `muster file put`. */
export interface PutFlags extends TaskFlags {
  readonly to: string;
  readonly mode?: string;
  readonly owner?: string;
  readonly mkdir?: boolean;
}

/** The flags of `muster file get`. */
export interface GetFlags extends TaskFlags {
  readonly to?: string;
  readonly mkdir?: boolean;
}

type FileInit = MessageInitShape<typeof FileActionSchema>;

/** Uploads what is not there yet, then creates the task and follows it; returns the exit code. */
export async function putFile(source: string, flags: PutFlags): Promise<number> {
  checkWhere(flags);
  const form = outputForm(flags.output);
  showOf(flags);
  const { mode = '', owner: owners = '', mkdir: createParents = false } = flags;
  const [owner = '', group = '', ...more] = owners.split(':');
  if (more.length > 0) throw new UsageFault(`--owner: '${owners}' is not like user or user:group`);
  const path = targetPath(flags.to, source);
  const spec = specOf(flags, { path });
  const content = await openSource(source);
  try {
    return await withConnection(flags, async (connection) => {
      await uploadSource(connection, new Reconnect(connection), content);
      const { sha256, sizeBytes: size } = content;
      const value = { sha256, sizeBytes: BigInt(size), mode, owner, group, createParents };
      const operation = { case: 'put' as const, value };
      const action = { case: 'file' as const, value: { path, operation } };
      const { code } = await followSpec(connection, { ...spec, action }, flags, form, 'answer');
      return code;
    });
  } finally {
    await content.close();
  }
}

/** Creates the task, follows it, and writes down what it has fetched; returns the exit code. */
export async function getFile(path: string, given: GetFlags): Promise<number> {
  const flags = withSingleNode(given);
  checkWhere(flags);
  const form = outputForm(flags.output);
  showOf(flags);
  const isMany = selectionOf(flags) !== null;
  const { to = STDOUT } = flags;
  if (isMany && to === STDOUT) {
    throw new UsageFault('say where to: --to FOLDER, which gets FOLDER/NODE/NAME for each node');
  }
  if (to === STDOUT && form !== 'table') {
    throw new UsageFault(
      `-o ${form} prints the task to standard output; --to FILE says where the content goes`,
    );
  }
  await checkLocalFolder(to, isMany, flags.mkdir === true);
  const spec = specOf(flags, { path, operation: { case: 'get', value: {} } });
  return await withConnection(flags, async (connection) => {
    const { code, task } = await followSpec(connection, spec, flags, form, 'nothing');
    const reconnect = new Reconnect(connection);
    if (task?.fanOut !== undefined) {
      const count = await downloadEach(connection, reconnect, task, to, basename(path));
      await note(`${count} ${count === 1 ? 'file' : 'files'} in ${to}`);
    } else if (task?.state === TaskState.COMPLETED) {
      const local = to.endsWith('/') || (await isFolder(to)) ? join(to, basename(path)) : to;
      await downloadTo(connection, reconnect, task.id, local);
    }
    return code;
  });
}

/** Creates the task and follows it; returns the exit code. */
export async function deleteFile(path: string, flags: TaskFlags): Promise<number> {
  checkWhere(flags);
  const spec = specOf(flags, { path, operation: { case: 'delete', value: {} } });
  return await runSpec(spec, flags, 'answer');
}

/** Creates the task and follows it; returns the exit code. */
export async function statFile(path: string, flags: TaskFlags): Promise<number> {
  checkWhere(flags);
  const spec = specOf(flags, { path, operation: { case: 'stat', value: {} } });
  return await runSpec(spec, flags, 'answer');
}

function specOf(flags: TaskFlags, value: FileInit) {
  return { ...taskSpec(flags, Date.now()), action: { case: 'file' as const, value } };
}

function checkWhere(flags: TaskFlags): void {
  if (flags.node !== undefined || selectionOf(flags) !== null) return;
  throw new UsageFault('say where: --node for one host, or -n, -l, -g or --all for many');
}

/** A name alone behind -n is one node, whose file needs no folder. */
function withSingleNode(flags: GetFlags): GetFlags {
  const { nodes = [], selector, group, all, exclude } = flags;
  const [name = ''] = nodes;
  const isAlone = nodes.length === 1 && /^[A-Za-z0-9._-]+$/.test(name);
  const isMore = [selector, group, all, exclude].some((flag) => flag !== undefined);
  if (!isAlone || isMore || flags.node !== undefined) return flags;
  const { nodes: _, ...rest } = flags;
  return { ...rest, node: name };
}

function targetPath(to: string, source: string): string {
  if (!to.endsWith('/')) return to;
  if (source === '-')
    throw new UsageFault('--to names a folder; standard input has no name to give the file');
  return `${to}${basename(source)}`;
}

/** Each child that has completed: FOLDER/NODE/NAME. Returns how many there were. */
async function downloadEach(
  connection: Connection,
  reconnect: Reconnect,
  parent: Task,
  folder: string,
  name: string,
): Promise<number> {
  let count = 0;
  const filter = { parentId: parent.id, states: [TaskState.COMPLETED] };
  for await (const page of allTaskPages(connection, { filter })) {
    for (const child of page) {
      await downloadTo(connection, reconnect, child.id, join(folder, child.nodeId, name));
      count += 1;
    }
  }
  return count;
}

/** @throws CliFault before anything is fetched that there is no folder for; the one of many nodes itself is made */
async function checkLocalFolder(to: string, isMany: boolean, makes: boolean): Promise<void> {
  if (to === STDOUT || makes) return;
  const folder = !isMany && to.endsWith('/') ? to : dirname(to);
  if (await isFolder(folder)) return;
  throw new CliFault(`cannot write ${to}: there is no folder ${folder}; --mkdir makes it`);
}

async function isFolder(path: string): Promise<boolean> {
  if (path === STDOUT) return false;
  return (await stat(path).catch(() => null))?.isDirectory() === true;
}
