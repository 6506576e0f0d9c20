// A shortened id means one task, or a sentence says why not.
import { create } from '@bufbuild/protobuf';
import { createRouterTransport, createClient } from '@connectrpc/connect';
import { expect, test } from 'vitest';
import { FileService } from '../../proto/gen/muster/v1/file_service_pb.ts';
import { GroupService } from '../../proto/gen/muster/v1/group_service_pb.ts';
import { LiveService } from '../../proto/gen/muster/v1/live_service_pb.ts';
import { MachineService } from '../../proto/gen/muster/v1/machine_service_pb.ts';
import { NodeService } from '../../proto/gen/muster/v1/node_service_pb.ts';
import { ScheduleService } from '../../proto/gen/muster/v1/schedule_service_pb.ts';
import { TaskSchema, TaskState } from '../../proto/gen/muster/v1/task_pb.ts';
import { TaskService } from '../../proto/gen/muster/v1/task_service_pb.ts';
import type { Connection } from './connection.ts';
import { UsageFault } from './fault.ts';
import { normalizeId, resolveTaskId } from './task-id.ts';

const IDS = [
  '0198c5f2-7b1a-7000-8000-000000000001',
  '0198c5f2-7b1a-7000-8000-000000000002',
  '0198c5f2-7b1b-7000-8000-000000000003',
];

function connect(): { connection: Connection; prefixes: string[] } {
  const prefixes: string[] = [];
  const transport = createRouterTransport(({ service }) => {
    service(TaskService, {
      listTasks: ({ filter, pageSize }) => {
        prefixes.push(filter?.idPrefix ?? '');
        const fitting = IDS.filter((id) => id.startsWith(filter?.idPrefix ?? ''));
        const tasks = fitting.map((id) =>
          create(TaskSchema, {
            id,
            name: 'backup',
            state: TaskState.RUNNING,
            substate: 'executing',
          }),
        );
        return { tasks: tasks.slice(0, pageSize ?? 50) };
      },
    });
  });
  const tasks = createClient(TaskService, transport);
  const nodes = createClient(NodeService, transport);
  const groups = createClient(GroupService, transport);
  const schedules = createClient(ScheduleService, transport);
  const files = createClient(FileService, transport);
  const machines = createClient(MachineService, transport);
  const live = createClient(LiveService, transport);
  const clients = { tasks, nodes, groups, schedules, files, machines, live };
  return {
    connection: { url: 'http://x', ...clients, explain: String },
    prefixes,
  };
}

test('a full id is used as it is, without a call', async () => {
  const { connection, prefixes } = connect();
  expect(await resolveTaskId(connection, String(IDS[0]).toUpperCase())).toBe(IDS[0]);
  expect(prefixes).toEqual([]);
});

test('a beginning of one id is that task, with or without hyphens', async () => {
  const { connection, prefixes } = connect();
  expect(await resolveTaskId(connection, '0198c5f2-7b1b')).toBe(IDS[2]);
  expect(await resolveTaskId(connection, '0198c5f27b1b7')).toBe(IDS[2]);
  expect(prefixes).toEqual(['0198c5f2-7b1b', '0198c5f2-7b1b-7']);
});

test('a beginning of several ids names some of them', async () => {
  const { connection } = connect();
  await expect(resolveTaskId(connection, '0198c5f2-7b1a')).rejects.toThrow(
    `several tasks have an id that begins with 0198c5f2-7b1a:\n  ${IDS[0]}  running.executing  backup\n  ${IDS[1]}`,
  );
});

test('a beginning of no id is said to be that', async () => {
  const { connection } = connect();
  await expect(resolveTaskId(connection, 'ffff')).rejects.toThrow(
    'no task has an id that begins with ffff',
  );
});

test.each(['', 'xyz', '-', '0198_', `${'0'.repeat(33)}`, 'a\u001b[31m'])('%j is no id', (text) => {
  expect(() => normalizeId(text)).toThrow(UsageFault);
});
