// The constraints of the proto: each has words for people.

import { readFileSync } from 'node:fs';
import { type DescMessage, getOption } from '@bufbuild/protobuf';
import { field as fieldRules } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { expect, it } from 'vitest';
import { file_muster_v1_agent_service } from '../../proto/gen/muster/v1/agent_service_pb.ts';
import { file_muster_v1_file_action } from '../../proto/gen/muster/v1/file_action_pb.ts';
import { file_muster_v1_file_service } from '../../proto/gen/muster/v1/file_service_pb.ts';
import { file_muster_v1_node_service } from '../../proto/gen/muster/v1/node_service_pb.ts';
import { file_muster_v1_handler_action } from '../../proto/gen/muster/v1/handler_action_pb.ts';
import { file_muster_v1_service_action } from '../../proto/gen/muster/v1/service_action_pb.ts';
import { file_muster_v1_task } from '../../proto/gen/muster/v1/task_pb.ts';
import { file_muster_v1_task_service } from '../../proto/gen/muster/v1/task_service_pb.ts';
import { WORDS_OF_PATTERN } from './violations.ts';

it('have words for each of their patterns', () => {
  const patterns = new Set<string>();
  const messages: DescMessage[] = [
    file_muster_v1_task,
    file_muster_v1_service_action,
    file_muster_v1_file_action,
    file_muster_v1_file_service,
    file_muster_v1_handler_action,
    file_muster_v1_task_service,
    file_muster_v1_node_service,
    file_muster_v1_agent_service,
  ].flatMap((file) => file.messages);
  for (const field of messages.flatMap((message) => message.fields)) {
    const json = JSON.stringify(getOption(field, fieldRules), (_, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    for (const [, pattern] of json.matchAll(/"pattern":("(?:[^"\\]|\\.)+")/g)) {
      patterns.add(JSON.parse(pattern ?? '""') as string);
    }
  }
  expect(new Set(Object.keys(WORDS_OF_PATTERN))).toEqual(patterns);
  // Nothing was missed by the walk above.
  const names = ['task', 'service_action', 'file_action', 'file_service', 'handler_action'];
  const proto = [...names, 'task_service', 'node_service', 'agent_service']
    .map((name) => readFileSync(`proto/muster/v1/${name}.proto`, 'utf8'))
    .join('');
  const written = [...proto.matchAll(/pattern = "(.+?)"/g)].map(([, one]) =>
    (one ?? '').replaceAll('\\\\', '\\'),
  );
  expect(new Set(written)).toEqual(patterns);
});
