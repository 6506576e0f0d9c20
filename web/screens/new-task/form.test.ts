/** The form of a new task and what it sends: both ways, and as a command line. */
import { create, equals, type MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from 'vitest';
import { FanOutOrder } from '../../../proto/gen/muster/v1/fan_out_pb.ts';
import { Missed, Overlap } from '../../../proto/gen/muster/v1/schedule_pb.ts';
import { ServiceOperation } from '../../../proto/gen/muster/v1/service_action_pb.ts';
import {
  Interpreter,
  OfflinePolicy,
  StartMode,
  TaskSpecSchema,
} from '../../../proto/gen/muster/v1/task_pb.ts';
import { toCommandLine } from './command-line.ts';
import { EMPTY, type FormState } from './form-state.ts';
import { fromTaskSpec, toRunAgain } from './from-spec.ts';
import { toScheduleSpec, toSelection, toTaskSpec } from './to-spec.ts';

type Init = MessageInitShape<typeof TaskSpecSchema>;
const START = { start: StartMode.IMMEDIATE, policy: { offline: OfflinePolicy.WAIT } };
const ANY = { target: { kind: { case: 'any', value: {} } } } satisfies Init;

const SPECS: Readonly<Record<string, Init>> = {
  'a script with everything around it': {
    ...ANY,
    name: 'backup of "web"',
    start: StartMode.IMMEDIATE,
    labels: { team: 'web', 'example.org/tier': '' },
    policy: {
      timeout: durationFromMs(5_400_000),
      maxAttempts: 3,
      priority: 0,
      retryInitial: durationFromMs(1_500),
      retryMax: durationFromMs(60_000),
      stopGrace: durationFromMs(0),
      lostAfter: durationFromMs(90_000),
      offline: OfflinePolicy.SKIP,
    },
    action: {
      case: 'script',
      value: {
        program: { case: 'body', value: 'set -e\n\techo "$1"\n' },
        interpreter: Interpreter.PYTHON3,
        args: ['/srv', 'with space', "it's", '', 'a\nb', '$HOME', '\\'],
        env: { A: ' spaced ', B: 'two\nlines', C: '"quoted"', D: 'x=y', E: '', F: 'back\\slash\t' },
        cwd: '/srv',
        user: 'www',
        stdin: 'text\n',
      },
    },
  },
  'a command on one node, held': {
    ...START,
    start: StartMode.MANUAL,
    target: { kind: { case: 'nodeId', value: 'web-1' } },
    action: {
      case: 'script',
      value: { program: { case: 'argv', value: { words: ['sh', '-c', 'echo "a b" | wc'] } } },
    },
  },
  'a service on each of a selection, later': {
    ...START,
    startAt: timestampFromMs(1_900_000_000_123),
    target: {
      kind: {
        case: 'selection',
        value: {
          nodes: ['web[01-03,07]', 'db-1'],
          selector: 'role in (a,b),!canary',
          groups: ['eu', 'us'],
          all: true,
          exclude: ['web02'],
        },
      },
    },
    fanOut: {
      maxParallel: '10%',
      maxFailures: '3',
      order: FanOutOrder.RANDOM,
      deadline: durationFromMs(3_600_000),
    },
    action: { case: 'service', value: { unit: 'nginx', operation: ServiceOperation.STATUS } },
  },
  'a handler on any one of a selection': {
    ...START,
    target: { kind: { case: 'any', value: { selection: { nodes: ['a', 'b'] } } } },
    action: { case: 'handler', value: { handler: 'resize', inputJson: '{"width": 1}' } },
  },
  'a file task': {
    ...ANY,
    ...START,
    action: { case: 'file', value: { path: '/etc/hosts', operation: { case: 'stat', value: {} } } },
  },
};

const filled = (part: Partial<FormState>): FormState => ({ ...EMPTY, ...part });

describe('the form of a new task', () => {
  for (const [name, init] of Object.entries(SPECS)) {
    it(`shows and sends ${name} unchanged`, () => {
      const spec = create(TaskSpecSchema, init);
      const { message, problems } = toTaskSpec(fromTaskSpec(spec));
      expect(problems).toEqual([]);
      const script = message.action.case === 'script' ? message.action.value : null;
      expect(script).toEqual(spec.action.case === 'script' ? spec.action.value : null);
      expect(equals(TaskSpecSchema, message, spec)).toBe(true);
    });
  }

  it('is the same form again after it was sent and loaded', () => {
    for (const init of Object.values(SPECS)) {
      const form = fromTaskSpec(create(TaskSpecSchema, init));
      expect(fromTaskSpec(toTaskSpec(form).message)).toEqual(form);
    }
  });

  it('starts a task that is run again now, where its time is over', () => {
    const spec = create(TaskSpecSchema, SPECS['a service on each of a selection, later']);
    expect(toRunAgain(spec)).toMatchObject({ start: 'now', startAt: '', target: 'each' });
  });

  it('takes the defaults of the server for what is left empty', () => {
    const { message } = toTaskSpec(filled({ body: 'true' }));
    expect(message.policy?.timeout).toBeUndefined();
    expect(message.policy?.maxAttempts).toBeUndefined();
    expect(message.fanOut).toBeUndefined();
  });

  it('says beside each field what cannot be read', () => {
    const form = filled({
      action: 'command',
      command: "echo 'open",
      timeout: '5',
      maxAttempts: 'three',
      env: 'NOTHING',
      labels: 'a=1\na=2',
      target: 'each',
      deadline: 'soon',
      start: 'at',
    });
    const problems = new Map(toTaskSpec(form).problems.map(({ field, text }) => [field, text]));
    expect(problems.get('command')).toBe("A quote ' is not closed");
    expect(problems.get('timeout')).toBe('“5” is no duration; write 5s or 5m');
    expect(problems.get('maxAttempts')).toBe('“three” is no whole number');
    expect(problems.get('env')).toBe('“NOTHING” is not KEY=value');
    expect(problems.get('labels')).toBe('a is given twice');
    expect(problems.get('nodes')).toMatch(/^Choose nodes/);
    expect(problems.get('deadline')).toMatch(/no duration/);
    expect(problems.get('startAt')).toBe('Choose a date and a time');
  });

  it('wants an action', () => {
    expect(toTaskSpec(filled({ body: ' ' })).problems).toMatchObject([{ field: 'body' }]);
    expect(toTaskSpec(filled({ action: 'service' })).problems).toMatchObject([{ field: 'unit' }]);
    expect(toTaskSpec(filled({ action: 'handler', input: '{' })).problems).toMatchObject([
      { field: 'handler' },
      { field: 'input' },
    ]);
  });

  it('leaves commas inside brackets to the pattern', () => {
    const selection = toSelection(filled({ nodes: 'web[01,03-05],db-1  db-2', groups: 'eu, us' }));
    expect(selection).toMatchObject({
      nodes: ['web[01,03-05]', 'db-1', 'db-2'],
      groups: ['eu', 'us'],
    });
  });
});

describe('the form of a schedule', () => {
  it('sends timing, rules and the task', () => {
    const { message, problems } = toScheduleSpec(
      filled({
        body: 'true',
        start: 'schedule',
        scheduleName: 'nightly',
        cron: '30 4 * * *',
        timeZone: 'Europe/Berlin',
        overlap: 'queue',
        missed: 'all',
        missedWindow: '2h',
        jitter: '30s',
      }),
    );
    expect(problems).toEqual([]);
    expect(message).toMatchObject({
      name: 'nightly',
      timing: { kind: { case: 'cron', value: '30 4 * * *' }, timeZone: 'Europe/Berlin' },
      overlap: Overlap.QUEUE,
      missed: Missed.ALL,
      missedWindow: durationFromMs(7_200_000),
      jitter: durationFromMs(30_000),
      task: { start: StartMode.UNSPECIFIED, action: { case: 'script' } },
    });
  });

  it('sends an interval, and one time', () => {
    const base = filled({ body: 'true', start: 'schedule', scheduleName: 'x' });
    const every = toScheduleSpec({ ...base, timing: 'every', every: '10m' });
    expect(every.message.timing?.kind).toEqual({ case: 'every', value: durationFromMs(600_000) });
    const at = toScheduleSpec({ ...base, timing: 'at', at: '2030-05-01T10:00' });
    expect(at.message.timing?.kind.case).toBe('at');
    expect(at.problems).toEqual([]);
    const none = toScheduleSpec({ ...base, scheduleName: '', timing: 'every' });
    expect(none.problems.map(({ field }) => field)).toEqual(['scheduleName', 'every']);
  });
});

describe('the form as a command line', () => {
  const textOf = (part: Partial<FormState>) => toCommandLine(filled(part)).text;

  it('runs a command', () => {
    expect(
      textOf({
        action: 'command',
        command: "sh -c 'echo $HOME'",
        target: 'each',
        nodes: 'web[01-20]',
        selector: '!canary',
        exclude: 'web03',
        maxParallel: '10%',
        timeout: '10m',
        offline: 'skip',
        env: 'A=b c',
      }),
    ).toBe(
      "./muster run -n 'web[01-20]' -l '!canary' -x web03 --max-parallel 10% --timeout 10m --offline skip --env 'A=b c' -- sh -c 'echo $HOME'",
    );
  });

  it('hands a script over, behind a line that it does not have', () => {
    expect(textOf({ body: 'echo 1\nEOF', args: "a 'b c'", start: 'held' })).toBe(
      "./muster run --hold --shell sh -f - -- a 'b c' <<'EOF_'\necho 1\nEOF\nEOF_",
    );
  });

  it('operates services, calls handlers, and makes schedules', () => {
    expect(textOf({ action: 'service', unit: 'nginx', target: 'node', node: 'web-1' })).toBe(
      './muster service restart nginx --node web-1',
    );
    expect(textOf({ action: 'handler', handler: 'resize', input: '{"w": 1}' })).toBe(
      `./muster call resize --input '{"w": 1}'`,
    );
    expect(
      textOf({
        action: 'command',
        command: 'uptime',
        start: 'schedule',
        scheduleName: 'check',
        cron: '@daily',
        timeZone: 'UTC',
        overlap: 'allow',
      }),
    ).toBe('./muster schedule create check --cron @daily --tz UTC --overlap allow -- uptime');
  });

  it('names what it has no flag for', () => {
    const { without } = toCommandLine(filled({ body: 'true', stopGrace: '5s', stdin: 'x' }));
    expect(without).toEqual(['stopGrace', 'stdin']);
  });
});
