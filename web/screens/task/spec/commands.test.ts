/** Specs as commands. */
import { create, fromJsonString } from '@bufbuild/protobuf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from 'vitest';
import { Interpreter, StartMode, TaskSpecSchema } from '../../../../proto/gen/muster/v1/task_pb.ts';
import { CreateTaskRequestSchema } from '../../../../proto/gen/muster/v1/task_service_pb.ts';
import {
  bufCommand,
  commandLine,
  curlCommand,
  durationWord,
  quote,
  requestJson,
} from './commands.ts';

const line = (spec: MessageInitShape<typeof TaskSpecSchema>) =>
  commandLine(create(TaskSpecSchema, spec));

const script = (body: string) =>
  ({
    case: 'script',
    value: { program: { case: 'body', value: body }, interpreter: Interpreter.BASH },
  }) as const;

describe('a command line', () => {
  it('runs a program on a node', () => {
    expect(
      line({
        name: "anna's",
        target: { kind: { case: 'nodeId', value: 'web-1' } },
        policy: { timeout: durationFromMs(90_000), maxAttempts: 3 },
        labels: { app: 'web' },
        action: {
          case: 'script',
          value: { program: { case: 'argv', value: { words: ['echo', 'a b', '$HOME'] } } },
        },
      }),
    ).toBe(
      `./muster run --name 'anna'\\''s' --node web-1 --label app=web --timeout 1m30s --max-attempts 3 -- echo 'a b' '$HOME'`,
    );
  });

  it('hands a script over as it is, under an end that the script does not have', () => {
    expect(
      line({ target: { kind: { case: 'any', value: {} } }, action: script('echo 1\nSCRIPT\n') }),
    ).toBe("./muster run --shell bash - <<'SCRIPT_'\necho 1\nSCRIPT\nSCRIPT_");
  });

  it('names the nodes of a fan-out and how it goes through them', () => {
    expect(
      line({
        target: {
          kind: {
            case: 'selection',
            value: { selector: 'role=web', groups: ['eu'], exclude: ['web-9'] },
          },
        },
        fanOut: { maxParallel: '10%', maxFailures: '3' },
        start: StartMode.MANUAL,
        action: { case: 'service', value: { unit: 'nginx', operation: 3 } },
      }),
    ).toBe(
      './muster service restart -l role=web -g eu -x web-9 --max-parallel 10% --max-failures 3 nginx',
    );
  });

  it('calls a handler, and works on files', () => {
    expect(
      line({ action: { case: 'handler', value: { handler: 'add', inputJson: '[1,2]' } } }),
    ).toBe("./muster call --input '[1,2]' add");
    const put = { sha256: 'a', owner: 'app', group: 'web', createParents: true };
    expect(
      line({
        action: {
          case: 'file',
          value: { path: '/etc/motd', operation: { case: 'put', value: put } },
        },
      }),
    ).toBe('./muster file put FILE --to /etc/motd --owner app:web --mkdir');
  });
});

describe('a call', () => {
  const spec = create(TaskSpecSchema, {
    target: { kind: { case: 'nodeId', value: 'web-1' } },
    action: script("echo 'hi'\n"),
  });

  it('has a body that the API reads back', () => {
    const request = fromJsonString(CreateTaskRequestSchema, requestJson(spec));
    expect(request.spec).toEqual(spec);
  });

  it('carries no token', () => {
    for (const text of [curlCommand(spec, 'http://m:7070'), bufCommand(spec, 'http://m:7070')]) {
      expect(text).toContain('$MUSTER_TOKEN');
      expect(text).toContain('http://m:7070/muster.v1.TaskService/CreateTask');
    }
  });
});

describe('words of a shell', () => {
  it('are quoted where they need it', () => {
    expect([quote('web-1'), quote(''), quote("it's")]).toEqual(['web-1', "''", "'it'\\''s'"]);
  });

  it('may be durations', () => {
    expect([0, 500, 90_000, 86_400_000].map((ms) => durationWord(durationFromMs(ms)))).toEqual([
      '0',
      '500ms',
      '1m30s',
      '1d',
    ]);
  });
});
