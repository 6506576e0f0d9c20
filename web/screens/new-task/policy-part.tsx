/** Under which rules: time, attempts, priority, what happens to nodes that are away; and what the task is called. */
import { Panel } from '../../ui/page.tsx';
import { Lines, More, Select, Text, useForm } from './fields.tsx';

const OFFLINE = [
  ['wait', 'wait for it'],
  ['skip', 'skip it'],
  ['fail', 'fail'],
] as const;

export function PolicyPart() {
  const { form } = useForm();
  const isUsed = [form.retryInitial, form.retryMax, form.stopGrace, form.lostAfter].some(
    (text) => text !== '',
  );
  return (
    <Panel title="Rules">
      <div className="flex flex-col gap-4 p-4">
        <div className="grid gap-3 sm:grid-cols-4">
          <Text field="timeout" label="Timeout" hint="Of an attempt" placeholder="5m" />
          <Text field="maxAttempts" label="Attempts" hint="The first included" placeholder="1" />
          <Text field="priority" label="Priority" hint="0 to 100" placeholder="50" />
          <Select field="offline" label="Node is offline" options={OFFLINE} />
        </div>
        <More title="Waits between attempts, stopping, lost nodes" isOpen={isUsed}>
          <div className="grid gap-3 sm:grid-cols-4">
            <Text
              field="retryInitial"
              label="First wait"
              hint="Doubles, and is random"
              placeholder="1s"
            />
            <Text field="retryMax" label="Longest wait" placeholder="5m" />
            <Text
              field="stopGrace"
              label="Stop grace"
              hint="SIGTERM to SIGKILL"
              placeholder="10s"
            />
            <Text
              field="lostAfter"
              label="Lost after"
              hint="Silence of the node"
              placeholder="2m"
            />
          </div>
        </More>
        <div className="grid gap-3 sm:grid-cols-2">
          <Text field="name" label="Name" placeholder="from the action" />
          <Lines
            field="labels"
            label="Labels"
            hint="key=value, one a line"
            placeholder="team=web"
            rows={2}
          />
        </div>
      </div>
    </Panel>
  );
}
