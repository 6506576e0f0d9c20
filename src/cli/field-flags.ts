/**
 * Which flag stands for which field of the API, for the errors that a supervisor sends: it names fields, people know flags.
 *
 * Used by explain.ts only.
 */

/** Flags by field, without `spec.` and `spec.task.` before it. What is given as a word is named in words. */
const FLAGS: Readonly<Record<string, string>> = {
  name: 'the name',
  'policy.timeout': '--timeout',
  'policy.max_attempts': '--max-attempts',
  'policy.priority': '--priority',
  'policy.offline': '--offline',
  labels: '--label',
  start_at: '--start-at',
  'target.node_id': '--node',
  'target.selection.nodes': '-n',
  'target.selection.selector': '-l',
  'target.selection.groups': '-g',
  'target.selection.exclude': '-x',
  'target.any.selection.nodes': '-n',
  'target.any.selection.selector': '-l',
  'target.any.selection.groups': '-g',
  'target.any.selection.exclude': '-x',
  'selection.nodes': '-n',
  'selection.selector': '-l',
  'selection.groups': '-g',
  'selection.exclude': '-x',
  'fan_out.deadline': '--deadline',
  'fan_out.max_parallel': '--max-parallel',
  'fan_out.max_failures': '--max-failures',
  'fan_out.order': '--order',
  'script.body': 'the script',
  'script.argv.words': 'the command',
  'script.args': 'the arguments',
  'script.env': '--env',
  'script.cwd': '--cwd',
  'script.user': '--user',
  'script.stdin': '--stdin',
  'file.path': 'the path on the host',
  'file.put.mode': '--mode',
  'file.put.owner': '--owner',
  'file.put.group': 'the group of --owner',
  'service.unit': 'the unit',
  'handler.handler': 'the handler',
  'handler.input_json': '--input',
  'timing.cron': '--cron',
  'timing.every': '--every',
  'timing.at': '--at',
  'timing.time_zone': '--tz',
  'timing.start_at': '--from',
  'timing.end_at': '--until',
  jitter: '--jitter',
  overlap: '--overlap',
  missed: '--missed',
  missed_window: '--missed-window',
  expected_version: '--expect-version',
  'filter.text': '--text',
  'filter.node_ids': '--node',
  'filter.creators': '--creator',
  'filter.labels': '--label',
  'filter.states': '--state',
  'filter.types': '--type',
  page_size: '--limit',
  page_token: '--page-token',
  count: '--count',
  window: '--since',
  deadline: '--deadline',
  note: '--note',
  description: '--description',
  parent: '--parent',
  attempt: '--attempt',
  version: '--version',
};

/** A field where a sentence begins to speak of it, with the key of a map or the place in a list. */
const FIELD =
  /(^|: |; also )(?:spec\.)?(?:task\.)?([a-z_]+(?:\.[a-z_]+)*)(?:\["([^"]*)"\]|\[\d+\])?(?= (?:is|has|contains) )/g;

/** Puts flags in the place of the fields that a refusal names. */
export function withFlags(message: string): string {
  return message.replace(FIELD, (whole, before: string, field: string, key?: string) => {
    const flag = Object.hasOwn(FLAGS, field) ? FLAGS[field] : undefined;
    if (flag === undefined) return whole;
    return `${before}${flag}${key === undefined ? '' : ` ${key}`}`;
  });
}
