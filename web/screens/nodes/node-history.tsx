/** What has been asked of a node: its committed steps, the latest first, beside its machine with the state lit. */
import { useQuery } from '@tanstack/react-query';
import type { Node } from '../../../proto/gen/muster/v1/node_pb.ts';
import type { Transition } from '../../../proto/gen/muster/v1/task_pb.ts';
import { explain, nodes } from '../../connection.ts';
import { useMachine } from '../../machines-query.ts';
import { Command, Empty, Failure, Panel } from '../../ui/page.tsx';
import { Ago } from '../../ui/time.tsx';
import { Diagram } from '../../visualizer/diagram.tsx';
import { nodePathOf } from './health.ts';
import { stepText } from './node-history-text.ts';

const PAGE_SIZE = 1000;

async function readAll(id: string): Promise<Transition[]> {
  const all: Transition[] = [];
  for (;;) {
    const afterVersion = all.at(-1)?.version ?? 0;
    const page = await nodes.getNodeHistory({ id, afterVersion, pageSize: PAGE_SIZE });
    all.push(...page.transitions);
    if (!page.hasMore) return all.reverse();
  }
}

export function History({ node }: { readonly node: Node }) {
  const machine = useMachine('node');
  const path = nodePathOf(node);
  const { data, error } = useQuery({
    // Its state and count are in the key: a step is read as soon as it is seen.
    queryKey: ['node-history', node.id, path, node.drain?.active],
    queryFn: () => readAll(node.id),
    placeholderData: (former) => former,
  });
  return (
    <Panel title="Drains">
      {error === null ? null : <Failure>{explain(error)}</Failure>}
      {machine === undefined ? null : (
        <div className="border-b border-line">
          <Diagram machine={machine} current={path} className="h-[26rem]" />
        </div>
      )}
      {data === undefined ? null : data.length === 0 ? (
        <Empty>
          It has never been drained. <Command>{`muster node drain ${node.id}`}</Command>
        </Empty>
      ) : (
        <ol tabIndex={0} aria-label="Steps" className="max-h-80 overflow-auto px-4 py-2">
          {data.map((step) => (
            <li key={step.version} className="py-1">
              <span className="flex gap-2 text-xs text-soft tabular-nums">
                <Ago at={step.at} />
                <span className="grow" />
                {step.fromState === step.toState ? null : `${step.fromState || '·'} → `}
                {step.toState}
              </span>
              <p className="break-words">{stepText(step)}</p>
            </li>
          ))}
        </ol>
      )}
    </Panel>
  );
}
