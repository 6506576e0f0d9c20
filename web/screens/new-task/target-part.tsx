/** Where: any node, one node, any one or each of a selection, with the nodes that it comes to now. */
import { useQuery } from '@tanstack/react-query';
import { explain, nodes } from '../../connection.ts';
import { Panel } from '../../ui/page.tsx';
import { useSettled } from '../../ui/settled.ts';
import { Choice, Select, Text, useForm } from './fields.tsx';
import type { Known } from './known.ts';
import { type Selection, isSelecting, toSelection } from './to-spec.ts';

/** After this long without a key, the supervisor is asked. */
const SETTLED_MS = 250;
const KINDS = [
  ['any', 'Any node'],
  ['node', 'One node'],
  ['oneOf', 'Any one of …'],
  ['each', 'Each of …'],
] as const;

const ORDERS = [
  ['given', 'by name'],
  ['random', 'random'],
] as const;

export function TargetPart({ known }: { readonly known: Known }) {
  const { form } = useForm();
  const isMany = form.target === 'oneOf' || form.target === 'each';
  return (
    <Panel title="Where">
      <div className="flex flex-col gap-4 p-4">
        <Choice field="target" legend="Which nodes" options={KINDS} />
        {form.target === 'any' ? (
          <p className="text-soft">On the least loaded node that is online.</p>
        ) : null}
        {form.target === 'node' ? (
          <Text field="node" label="Node" placeholder="web-1" suggestions={known.nodes} isMono />
        ) : null}
        {isMany ? <SelectionFields known={known} /> : null}
        {isMany ? <Matched /> : null}
        {form.target === 'each' ? <FanOutFields /> : null}
      </div>
    </Panel>
  );
}

function SelectionFields({ known }: { readonly known: Known }) {
  const { form, set } = useForm();
  return (
    <div className="grid gap-3 sm:grid-cols-2">
      <Text
        field="nodes"
        label="Nodes and patterns"
        placeholder="web[01-20], db-1"
        suggestions={known.nodes}
        isMono
      />
      <Text field="selector" label="Labels" placeholder="role=web,region in (eu,us)" isMono />
      <Text field="groups" label="Groups" placeholder="europe" suggestions={known.groups} isMono />
      <Text field="exclude" label="But not" placeholder="web13" suggestions={known.nodes} isMono />
      <label className="flex items-center gap-2 sm:col-span-2">
        <input
          type="checkbox"
          checked={form.all}
          onChange={(event) => set({ all: event.target.checked })}
          className="size-4 accent-accent"
        />
        Every node
      </label>
    </div>
  );
}

function FanOutFields() {
  return (
    <div className="grid gap-3 sm:grid-cols-4">
      <Text field="maxParallel" label="At once" hint="Number or share" placeholder="all" />
      <Text
        field="maxFailures"
        label="Stop after failures"
        hint="Number or share"
        placeholder="never"
      />
      <Select field="order" label="Order" options={ORDERS} />
      <Text field="deadline" label="Deadline for all" placeholder="none" />
    </div>
  );
}

/** Only so many names are shown; the number says the rest. */
const MAX_NAMES = 60;

/** The nodes that the selection comes to now, asked for once typing has settled. */
function Matched() {
  const { form } = useForm();
  const isAsking = isSelecting(form);
  const asked = useSettled(JSON.stringify(toSelection(form)), SETTLED_MS);
  const { data, error, isFetching } = useQuery({
    queryKey: ['new-task', 'resolve', asked],
    queryFn: ({ signal }) =>
      nodes.resolveNodes({ selection: JSON.parse(asked) as Selection }, { signal }),
    enabled: isAsking,
    retry: false,
    placeholderData: (before) => before,
  });
  return (
    <div role="status" className="min-h-16 rounded-lg border border-line bg-page px-3 py-2">
      {isAsking ? null : <span className="text-soft">Nothing is chosen yet</span>}
      {isAsking && error !== null ? <span className="text-bad">{explain(error)}</span> : null}
      {isAsking && error === null && data === undefined ? (
        <span className="text-soft">Looking …</span>
      ) : null}
      {isAsking && error === null && data !== undefined ? (
        <div className={isFetching ? 'opacity-60' : ''}>
          <Names ids={data.nodeIds} online={data.online} />
        </div>
      ) : null}
    </div>
  );
}

function Names({ ids, online }: { readonly ids: readonly string[]; readonly online: number }) {
  const offline = ids.length - online;
  return (
    <>
      <div className="mb-1.5">
        <span className="font-medium">
          {ids.length} {ids.length === 1 ? 'node' : 'nodes'}
        </span>
        {offline === 0 ? (
          <span className="text-soft">, all online</span>
        ) : (
          <span className="text-warn">, {offline} not online</span>
        )}
      </div>
      <div className="flex max-h-32 flex-wrap gap-1 overflow-auto">
        {ids.slice(0, MAX_NAMES).map((id) => (
          <span key={id} className="rounded bg-raised px-1.5 font-mono text-[13px]">
            {id}
          </span>
        ))}
        {ids.length > MAX_NAMES ? (
          <span className="text-soft">and {ids.length - MAX_NAMES} more</span>
        ) : null}
      </div>
    </>
  );
}
