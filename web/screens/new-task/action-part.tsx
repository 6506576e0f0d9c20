/** What is to be done: a script, a command, a service, a handler. */
import { Command, Panel } from '../../ui/page.tsx';
import { Choice, Lines, More, Select, Text, useForm } from './fields.tsx';
import type { Known } from './known.ts';
import { ScriptEditor } from './script-editor.tsx';

const KINDS = [
  ['script', 'Script'],
  ['command', 'Command'],
  ['service', 'Service'],
  ['handler', 'Handler'],
] as const;

const INTERPRETERS = ['sh', 'bash', 'python3', 'node', 'deno'].map((name) => [name, name] as const);
const OPERATIONS = ['restart', 'start', 'stop', 'status', 'enable', 'disable'].map(
  (name) => [name, name] as const,
);

export function ActionPart({ known }: { readonly known: Known }) {
  const { form } = useForm();
  const kinds = form.file === null ? KINDS : [...KINDS, ['file', 'File'] as const];
  return (
    <Panel title="What">
      <div className="flex flex-col gap-4 p-4">
        <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
          <Choice field="action" legend="Kind of task" options={kinds} />
          {form.file === null ? (
            <span className="text-[13px] text-soft">
              Files are put from the command line: <Command>./muster file put</Command>
            </span>
          ) : null}
        </div>
        {form.action === 'script' ? <ScriptFields /> : null}
        {form.action === 'command' ? (
          <Text
            field="command"
            label="Program and arguments"
            hint="Run without a shell; quotes keep words together"
            placeholder="systemctl status nginx"
            isMono
          />
        ) : null}
        {form.action === 'service' ? <ServiceFields /> : null}
        {form.action === 'handler' ? <HandlerFields known={known} /> : null}
        {form.action === 'file' ? <FileNote /> : null}
        {form.action === 'script' || form.action === 'command' ? <Surroundings /> : null}
      </div>
    </Panel>
  );
}

function ScriptFields() {
  return (
    <>
      <ScriptEditor />
      <div className="grid gap-3 sm:grid-cols-[10rem_1fr]">
        <Select field="interpreter" label="Interpreter" options={INTERPRETERS} />
        <Text field="args" label="Arguments" placeholder="$1 $2 …" isMono />
      </div>
    </>
  );
}

function ServiceFields() {
  return (
    <div className="grid gap-3 sm:grid-cols-[10rem_1fr]">
      <Select field="operation" label="Operation" options={OPERATIONS} />
      <Text field="unit" label="systemd unit" placeholder="nginx" isMono />
    </div>
  );
}

function HandlerFields({ known }: { readonly known: Known }) {
  const { form } = useForm();
  const names = [...known.handlers.keys()].sort();
  const count = known.handlers.get(form.handler.trim());
  const hint =
    names.length === 0
      ? 'No agent has loaded handlers: start one with --handlers FILE'
      : count === undefined
        ? `Known: ${names.slice(0, 8).join(', ')}${names.length > 8 ? ', …' : ''}`
        : `Loaded on ${count} ${count === 1 ? 'node' : 'nodes'}`;
  return (
    <>
      <Text
        field="handler"
        label="Handler"
        hint={hint}
        placeholder="name"
        suggestions={names}
        isMono
      />
      <Lines
        field="input"
        label="Input (JSON)"
        hint="Default: null"
        placeholder='{"width": 200}'
        rows={5}
      />
    </>
  );
}

function FileNote() {
  const { file } = useForm().form;
  return (
    <p className="text-soft">
      {file?.operation.case ?? 'file'} <span className="font-mono text-text">{file?.path}</span>:
      the action of the former task, unchanged. Nodes, policy and time may be other ones.
    </p>
  );
}

function Surroundings() {
  const { form } = useForm();
  const isUsed = [form.env, form.cwd, form.user, form.stdin].some((text) => text !== '');
  return (
    <More title="Environment, user, folder, standard input" isOpen={isUsed}>
      <Lines field="env" label="Environment" hint="KEY=value, one a line" placeholder="LANG=C" />
      <div className="grid gap-3 sm:grid-cols-2">
        <Text
          field="cwd"
          label="Working folder"
          hint="Default: the home of its user"
          placeholder="/srv"
          isMono
        />
        <Text
          field="user"
          label="User"
          hint="The agent must be root to change it"
          placeholder="www-data"
          isMono
        />
      </div>
      <Lines field="stdin" label="Standard input" hint="Default: empty" />
    </More>
  );
}
