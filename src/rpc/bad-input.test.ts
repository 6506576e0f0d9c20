// What bad input gets: every case of it with the whole sentence, and the supervisor never hears of it.

import { ServiceOperation } from '../../proto/gen/muster/v1/service_action_pb.ts';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { Code, type ConnectError, createClient } from '@connectrpc/connect';
import { expect, it } from 'vitest';
import { NodeService } from '../../proto/gen/muster/v1/node_service_pb.ts';
import { Interpreter, StartMode, type TaskSpecSchema } from '../../proto/gen/muster/v1/task_pb.ts';
import { TaskService } from '../../proto/gen/muster/v1/task_service_pb.ts';
import { kindOf } from './library-errors.ts';
import { StubSupervisor, taskId } from './testing/stub-supervisor.ts';
import { openInMemory, TOKENS } from '../http/testing/transports.ts';

type Spec = MessageInitShape<typeof TaskSpecSchema>;

const stub = new StubSupervisor();
const transport = openInMemory(stub, TOKENS.user);
const tasks = createClient(TaskService, transport);
const nodes = createClient(NodeService, transport);

const any = { kind: { case: 'any', value: {} } } as const;
const script = (fields: object = {}, body = 'true') =>
  ({ case: 'script', value: { program: { case: 'body', value: body }, ...fields } }) as const;
const argv = (words: string[], fields: object = {}) =>
  ({ case: 'script', value: { program: { case: 'argv', value: { words } }, ...fields } }) as const;
const createTask = (spec: Spec) => tasks.createTask({ spec });
const withSpec = (spec: Spec) => createTask({ target: any, action: script(), ...spec } as Spec);
const withPolicy = (policy: Spec['policy'] & object) => withSpec({ policy });
const id = taskId(1);

const service = (fields: { unit?: string; operation?: ServiceOperation }) =>
  ({
    case: 'service',
    value: { unit: 'nginx', operation: ServiceOperation.START, ...fields },
  }) as const;

const handler = (name: string, inputJson = '') =>
  ({ case: 'handler', value: { handler: name, inputJson } }) as const;

const NODE_ID =
  'it must be 1 to 63 letters, digits, "-", "_" or ".", a letter or digit at both ends';

/** [what is bad, the call, the sentence after `Cannot `] */
const CASES: readonly (readonly [string, () => Promise<unknown>, string])[] = [
  ['no spec', () => tasks.createTask({}), 'create the task: spec is missing'],
  ['no target', () => createTask({ action: script() }), 'create the task: spec.target is missing'],
  [
    'an empty target',
    () => withSpec({ target: {} }),
    'create the task: spec.target.node_id or spec.target.any or spec.target.selection is missing',
  ],
  [
    'no action',
    () => createTask({ target: any }),
    'create the task: spec.script or spec.file or spec.service or spec.handler is missing',
  ],
  [
    'a script without a program',
    () => withSpec({ action: { case: 'script', value: {} } }),
    'create the task: spec.script.body or spec.script.argv is missing',
  ],
  [
    'an unknown interpreter',
    () => withSpec({ action: script({ interpreter: 77 as Interpreter }) }),
    'create the task: spec.script.interpreter is 77; it must be INTERPRETER_SH, INTERPRETER_BASH, INTERPRETER_PYTHON3, INTERPRETER_NODE or INTERPRETER_DENO',
  ],
  [
    'a handler that is no name',
    () => withSpec({ action: handler('a-b') }),
    'create the task: spec.handler.handler is "a-b"; it must be the name of a function: 1 to 128 letters, digits, "_" or "$", not beginning with a digit',
  ],
  [
    'an input that is no JSON',
    () => withSpec({ action: handler('resize', '{') }),
    "create the task: spec.handler.input_json is no JSON: Expected property name or '}' in JSON at position 1 (line 1 column 2)",
  ],
  [
    'an option as a service',
    () => withSpec({ action: service({ unit: '--now' }) }),
    'create the task: spec.service.unit is "--now"; it must be the name of a systemd unit: 1 to 255 letters, digits, ":", "-", "_", ".", "@" or "\\", not beginning with "-"',
  ],
  [
    'no operation on a service',
    () => withSpec({ action: service({ operation: ServiceOperation.UNSPECIFIED }) }),
    'create the task: spec.service.operation is SERVICE_OPERATION_UNSPECIFIED; it must be SERVICE_OPERATION_START, SERVICE_OPERATION_STOP, SERVICE_OPERATION_RESTART, SERVICE_OPERATION_STATUS, SERVICE_OPERATION_ENABLE or SERVICE_OPERATION_DISABLE',
  ],
  [
    'an empty script',
    () => withSpec({ action: script({}, '') }),
    'create the task: spec.script.body is empty',
  ],
  [
    'a script over 1 MiB',
    () => withSpec({ action: script({}, 'é'.repeat(2 ** 19 + 1)) }),
    'create the task: spec.script.body is 1048578 bytes long; it may have at most 1 MiB',
  ],
  [
    'a timeout of 0',
    () => withPolicy({ timeout: { seconds: 0n } }),
    'create the task: spec.policy.timeout is 0s; it must be from 1s to 7d',
  ],
  [
    'a timeout of 8 days',
    () => withPolicy({ timeout: { seconds: 691_200n } }),
    'create the task: spec.policy.timeout is 8d; it must be from 1s to 7d',
  ],
  [
    'a timeout of half a second',
    () => withPolicy({ timeout: { nanos: 500_000_000 } }),
    'create the task: spec.policy.timeout is 500ms; it must be from 1s to 7d',
  ],
  [
    'negative attempts',
    () => withPolicy({ maxAttempts: -1 }),
    'create the task: spec.policy.max_attempts is -1; it must be from 1 to 100',
  ],
  [
    'a priority of 101',
    () => withPolicy({ priority: 101 }),
    'create the task: spec.policy.priority is 101; it must be from 0 to 100',
  ],
  [
    'retry_initial over retry_max',
    () => withPolicy({ retryInitial: { seconds: 60n }, retryMax: { seconds: 30n } }),
    'create the task: spec.policy.retry_max is 30s; it must be at least retry_initial, which is 1m',
  ],
  [
    'retry_max under the default of retry_initial',
    () => withPolicy({ retryMax: { nanos: 1_000_000 } }),
    'create the task: spec.policy.retry_max is 1ms; it must be at least retry_initial, which is 1s, the default',
  ],
  [
    'a duration whose parts disagree',
    () => withPolicy({ timeout: { seconds: 5n, nanos: -1 } }),
    'create the task: spec cannot be stored: cannot encode message google.protobuf.Duration to JSON: nanos sign must match seconds sign',
  ],
  [
    'start_at with a manual start',
    () => withSpec({ start: StartMode.MANUAL, startAt: { seconds: 1_800_000_000n } }),
    'create the task: spec.start_at does not go with START_MODE_MANUAL; a held task starts when ExecuteTask says so',
  ],
  [
    'a start in the year 40000',
    () => withSpec({ startAt: { seconds: 1_200_000_000_000n } }),
    'create the task: spec.start_at is 1200000000000 s and 0 ns from 1970; it must be from 1970 to 9999',
  ],
  [
    'a NUL in the script',
    () => withSpec({ action: script({}, 'echo \0') }),
    'create the task: spec.script.body contains a NUL byte at position 5; it may contain any other character',
  ],
  [
    'a NUL in the name',
    () => withSpec({ name: 'a\0' }),
    'create the task: spec.name contains a NUL byte at position 1; it may contain any other character',
  ],
  [
    'a NUL in stdin',
    () => withSpec({ action: script({ stdin: '\0' }) }),
    'create the task: spec.script.stdin contains a NUL byte at position 0; it may contain any other character',
  ],
  [
    'a NUL in a variable',
    () => withSpec({ action: script({ env: { A: 'x\0' } }) }),
    'create the task: spec.script.env["A"] contains a NUL byte at position 1; it may contain any other character',
  ],
  [
    'a NUL in the name of a variable',
    () => withSpec({ action: script({ env: { 'A\0': 'x' } }) }),
    'create the task: a key of spec.script.env contains a NUL byte at position 1; it may contain any other character',
  ],
  [
    'a NUL in an argument',
    () => withSpec({ action: script({ args: ['a', '\0'] }) }),
    'create the task: spec.script.args[1] contains a NUL byte at position 0; it may contain any other character',
  ],
  [
    'a NUL in a word',
    () => withSpec({ action: argv(['ls', 'a\0']) }),
    'create the task: spec.script.argv.words[1] contains a NUL byte at position 1; it may contain any other character',
  ],
  [
    'a NUL in a note',
    () => tasks.cancelTask({ id, note: 'why\0' }),
    'cancel the task: note contains a NUL byte at position 3; it may contain any other character',
  ],
  [
    'a NUL in a filter',
    () => tasks.listTasks({ filter: { creators: ['\0'] } }),
    'list tasks: filter.creators[0] contains a NUL byte at position 0; it may contain any other character',
  ],
  [
    'a NUL in a text',
    () => tasks.listTasks({ filter: { text: '\0' } }),
    'list tasks: filter.text contains a NUL byte at position 0; it may contain any other character',
  ],
  [
    'a text of 201 bytes',
    () => tasks.listTasks({ filter: { text: 'a'.repeat(201) } }),
    'list tasks: filter.text is 201 bytes long; it may have at most 200 bytes',
  ],
  [
    'a name of two lines',
    () => withSpec({ name: 'a\nb' }),
    'create the task: spec.name is "a\\nb"; it must be one line without control characters',
  ],
  [
    'a name of 201 bytes',
    () => withSpec({ name: 'a'.repeat(201) }),
    'create the task: spec.name is 201 bytes long; it may have at most 200 bytes',
  ],
  [
    'a label that is none',
    () => withSpec({ labels: { 'not a label': 'x' } }),
    'create the task: spec.labels["not a label"] has a name that is not allowed; a label name must be 1 to 63 letters, digits, "-", "_" or ".", a letter or digit at both ends, after a lower-case domain and "/" if wanted',
  ],
  [
    'a label value that is none',
    () => withSpec({ labels: { app: 'a b' } }),
    'create the task: spec.labels["app"] is "a b"; a label value must be empty or 1 to 63 letters, digits, "-", "_" or ".", a letter or digit at both ends',
  ],
  [
    'a node that is no node id',
    () => withSpec({ target: { kind: { case: 'nodeId', value: '-x' } } }),
    `create the task: spec.target.node_id is "-x"; ${NODE_ID}`,
  ],
  [
    'a variable name that is none',
    () => withSpec({ action: script({ env: { '1A': 'secret' } }) }),
    'create the task: spec.script.env["1A"] has a name that is not allowed; the name of a variable must be 1 to 128 letters, digits or "_", not beginning with a digit',
  ],
  [
    'a relative working directory',
    () => withSpec({ action: script({ cwd: 'tmp' }) }),
    'create the task: spec.script.cwd is "tmp"; it must be an absolute path, beginning with "/"',
  ],
  [
    'a user that is none',
    () => withSpec({ action: script({ user: 'a b' }) }),
    'create the task: spec.script.user is "a b"; it must be a user name: 1 to 32 letters, digits, "-", "_" or ".", beginning with a letter or "_"',
  ],
  [
    'no words',
    () => withSpec({ action: argv([]) }),
    'create the task: spec.script.argv.words is empty; it must have at least one item',
  ],
  [
    'an empty program',
    () => withSpec({ action: argv(['', 'x']) }),
    'create the task: spec.script.argv.words[0] is empty; it must name the program to run',
  ],
  [
    'argv with an interpreter',
    () => withSpec({ action: argv(['ls'], { interpreter: Interpreter.BASH }) }),
    'create the task: spec.script.interpreter does not go with argv, which runs without one; leave it out',
  ],
  [
    'argv with args',
    () => withSpec({ action: argv(['ls'], { args: ['-l'] }) }),
    'create the task: spec.script.args does not go with argv; add them to script.argv.words',
  ],
  [
    'a request_id with spaces',
    () => tasks.createTask({ spec: { target: any, action: script() }, requestId: 'a b' }),
    'create the task: request_id is "a b"; it must be visible ASCII characters without spaces',
  ],
  [
    'no specs',
    () => tasks.createTasks({}),
    'create the tasks: specs is empty; it must have at least one item',
  ],
  [
    'too many specs',
    () =>
      tasks.createTasks({
        specs: Array.from({ length: 1001 }, () => ({ target: any, action: script() })),
      }),
    'create the tasks: specs has 1001 items; it may have at most 1000',
  ],
  [
    'a bad spec among good ones',
    () =>
      tasks.createTasks({
        specs: [
          { target: any, action: script() },
          { target: any, action: script({}, '') },
        ],
      }),
    'create the tasks: specs[1].script.body is empty',
  ],
  [
    'several faults at once',
    () => withSpec({ name: '\t', policy: { maxAttempts: 0, priority: -1 } }),
    'create the task: spec.name is "\\t"; it must be one line without control characters; also spec.policy.max_attempts is 0; it must be from 1 to 100; also spec.policy.priority is -1; it must be from 0 to 100',
  ],
  [
    'a page size of 0',
    () => tasks.listTasks({ pageSize: 0 }),
    'list tasks: page_size is 0; it must be from 1 to 200',
  ],
  [
    'a page size of 10,000',
    () => tasks.listTasks({ pageSize: 10_000 }),
    'list tasks: page_size is 10000; it must be from 1 to 200',
  ],
  [
    'a broken page token',
    () => tasks.listTasks({ pageToken: 'nonsense' }),
    'list tasks: page_token is none that this list gave; use the next_page_token of the page before, or none for the first page',
  ],
  [
    'a broken page token of nodes',
    () => nodes.listNodes({ pageToken: '%%%' }),
    'list nodes: page_token is none that this list gave; use the next_page_token of the page before, or none for the first page',
  ],
  [
    'an id prefix that is none',
    () => tasks.listTasks({ filter: { idPrefix: 'xyz' } }),
    'list tasks: filter.id_prefix is "xyz"; it must be the first characters of a task id: lower-case hexadecimal digits and hyphens',
  ],
  [
    'an unspecified state in a filter',
    () => tasks.listTasks({ filter: { states: [0] } }),
    'list tasks: filter.states[0] is unspecified; leave it out to get all',
  ],
  ['no id', () => tasks.getTask({}), 'get the task: id is empty; it must be a UUID'],
  [
    'an id that is no UUID',
    () => tasks.executeTask({ id: 'abc' }),
    'execute the task: id is "abc"; it must be a UUID',
  ],
  [
    'a node id that is none',
    () => nodes.getNode({ id: '' }),
    `get the node: id is empty; ${NODE_ID}`,
  ],
  [
    'no resolution',
    () => tasks.resolveTask({ id }),
    'resolve the task: resolution is RESOLUTION_UNSPECIFIED; it must be RESOLUTION_LOST, RESOLUTION_COMPLETED, RESOLUTION_FAILED or RESOLUTION_CANCELLED',
  ],
  [
    'a negative offset',
    () => tasks.readOutput({ id, stream: 1, offset: -1n }),
    'read the output: offset is -1; it must be at least 0',
  ],
  [
    'an offset past all numbers',
    () => tasks.readOutput({ id, stream: 1, offset: 2n ** 60n }),
    'read the output: offset is 1152921504606846976; it must be at most 9007199254740991',
  ],
  [
    'a wait of an hour',
    () => tasks.waitTask({ id, timeout: { seconds: 3600n } }),
    'wait for the task: timeout is 1h; it must be from 0s to 1m',
  ],
  [
    'a bad filter of a stream',
    () => drain(tasks.watchTasks({ filter: { parentId: 'x' } })),
    'watch tasks: filter.parent_id is "x"; it must be a UUID',
  ],
  [
    'a bad id of a stream',
    () => drain(tasks.tailOutput({ id: 'x' })),
    'follow the output: id is "x"; it must be a UUID',
  ],
];

it.each(CASES)('%s', async (_, call, sentence) => {
  const before = stub.calls.length;
  const error = await call().then(
    () => null,
    (thrown: unknown) => thrown as ConnectError,
  );
  expect(error?.rawMessage).toBe(`Cannot ${sentence}`);
  expect(error?.code).toBe(Code.InvalidArgument);
  expect(error && kindOf(error)).toBe('invalid_argument');
  expect(stub.calls.length).toBe(before);
});

async function drain(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream);
}
