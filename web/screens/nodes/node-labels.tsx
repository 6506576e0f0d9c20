/** The labels of a node: those of its agent, and over them those of the server, which are given and taken back here. */
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { Node } from '../../../proto/gen/muster/v1/node_pb.ts';
import { nodes } from '../../connection.ts';
import { useAction } from '../../ui/action.ts';
import { FIELD_LOOKS } from '../../ui/modal.tsx';
import { Button, Empty, Panel } from '../../ui/page.tsx';

export function Labels({ node }: { readonly node: Node }) {
  const { isBusy, act } = useAction();
  const rows = Object.entries(node.labels).sort(([a], [b]) => a.localeCompare(b, 'en'));
  const remove = (key: string) =>
    void act(() => nodes.updateNode({ id: node.id, removeLabels: [key] }), `${key} is taken back`);
  return (
    <Panel title="Labels">
      {rows.length === 0 ? <Empty>It has none. Labels choose nodes: role=web</Empty> : null}
      <ul className="px-4 pt-2">
        {rows.map(([key, value]) => (
          <li key={key} className="flex min-h-8 items-center gap-2">
            <Link
              to="/nodes"
              search={{ q: `${key}=${value}` }}
              title="Nodes with this label"
              className="min-w-0 rounded bg-raised px-1.5 font-mono text-xs leading-5 break-all hover:bg-accent-soft"
            >
              {key}={value}
            </Link>
            <span className="grow" />
            {key in node.serverLabels ? (
              <button
                type="button"
                disabled={isBusy}
                aria-label={`Take ${key} back`}
                title="Take it back; a value of its agent is in force again"
                onClick={() => remove(key)}
                className="rounded px-1.5 text-soft hover:bg-raised hover:text-bad"
              >
                <span aria-hidden>✕</span>
              </button>
            ) : (
              <span className="text-xs text-soft" title="Given where the agent is started">
                of its agent
              </span>
            )}
          </li>
        ))}
      </ul>
      <AddLabel nodeId={node.id} />
    </Panel>
  );
}

function AddLabel({ nodeId }: { readonly nodeId: string }) {
  const { isBusy, act, failure, forget } = useAction(false);
  const [text, setText] = useState('');
  const submit = async () => {
    const [key = '', ...rest] = text.trim().split('=');
    const value = rest.join('=');
    const isDone = await act(
      () => nodes.updateNode({ id: nodeId, setLabels: { [key]: value } }),
      `${key}=${value} is given`,
    );
    if (isDone) setText('');
  };
  return (
    <form
      className="flex flex-wrap gap-2 px-4 pt-2 pb-3"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <input
        aria-label="Label to give, as key=value"
        placeholder="key=value"
        required
        pattern="[^=\s]+=[^=\s]*"
        title="A key, =, and a value, without spaces"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          forget();
        }}
        className={`${FIELD_LOOKS} min-w-0 grow font-mono text-xs`}
      />
      <Button type="submit" isDisabled={isBusy}>
        Give
      </Button>
      {failure === null ? null : (
        <p role="alert" className="w-full text-bad">
          {failure}
        </p>
      )}
    </form>
  );
}
