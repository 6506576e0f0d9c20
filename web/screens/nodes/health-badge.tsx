/** How a node is, as a badge: each is told apart without its colour. */
import type { Node } from '../../../proto/gen/muster/v1/node_pb.ts';
import { drainOf, healthOf, type Look } from './health.ts';

export function LookBadge({ look: { icon, word, color } }: { readonly look: Look }) {
  return (
    <span className={`inline-flex items-center gap-1 whitespace-nowrap ${color}`}>
      <span aria-hidden className="w-4 text-center">
        {icon}
      </span>
      {word}
    </span>
  );
}

export function HealthBadge({ node }: { readonly node: Node }) {
  const drain = drainOf(node);
  return (
    <span className="inline-flex flex-wrap items-center gap-x-2">
      <LookBadge look={healthOf(node)} />
      {drain === null ? null : (
        <span className="rounded border border-warn px-1 text-xs leading-5">
          <LookBadge look={drain} />
        </span>
      )}
    </span>
  );
}
