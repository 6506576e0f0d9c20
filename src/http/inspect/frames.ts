/**
 * What is inspected, as the frames of @statelyai/inspect: what its receivers, and the tools that are made of them, read. Pure.
 *
 * One JSON text each. An actor comes once with its definition; each step is an event and the snapshot that it led to.
 */
import type { InspectedActor, InspectedSnapshot, InspectedStep } from '../../rpc/inspection.ts';

/** The version of the package whose frames these are. */
export const FRAMES_VERSION = '0.7.2';

interface Frame {
  /** The actor: the id of the task. */
  readonly sessionId: string;
  readonly rootId: string;
  readonly id: string;
  /** ms since 1970, as text. */
  readonly createdAt: string;
  readonly _version: string;
}

interface FrameSnapshot {
  readonly status: 'active' | 'done';
  /** As XState has it: completed, or {"running": "executing"}. */
  readonly value: StateValue;
  readonly context: unknown;
}

type StateValue = string | { readonly [name: string]: StateValue };

export interface ActorFrame extends Frame {
  readonly type: '@xstate.actor';
  readonly name: string;
  /** Only where there is one: each task is a root of its own. */
  readonly parentId: string | undefined;
  readonly definition: string;
  readonly snapshot: FrameSnapshot;
}

export interface EventFrame extends Frame {
  readonly type: '@xstate.event';
  readonly sourceId: string | undefined;
  readonly event: { readonly type: string };
}

export interface SnapshotFrame extends Frame {
  readonly type: '@xstate.snapshot';
  readonly event: { readonly type: string };
  readonly snapshot: FrameSnapshot;
}

export type InspectionFrame = ActorFrame | EventFrame | SnapshotFrame;

/** Returns the frames of an actor, or of one step of it. */
export function framesOf(inspected: InspectedActor | InspectedStep): InspectionFrame[] {
  const { id, at, snapshot } = inspected;
  const base = (name: string): Frame => ({
    sessionId: id,
    rootId: id,
    id: `${id}:${name}`,
    createdAt: String(at),
    _version: FRAMES_VERSION,
  });
  if (inspected.kind === 'actor') {
    const { name, definition } = inspected;
    return [
      {
        ...base('actor'),
        type: '@xstate.actor',
        name,
        parentId: undefined,
        definition,
        snapshot: frameSnapshot(snapshot),
      },
    ];
  }
  const { version, event } = inspected;
  return [
    { ...base(`${version}:event`), type: '@xstate.event', sourceId: undefined, event },
    {
      ...base(`${version}:snapshot`),
      type: '@xstate.snapshot',
      event,
      snapshot: frameSnapshot(snapshot),
    },
  ];
}

function frameSnapshot({ path, context, isFinal }: InspectedSnapshot): FrameSnapshot {
  return { status: isFinal ? 'done' : 'active', value: valueOf(path), context };
}

/** A dotted path as the value of a state. */
function valueOf(path: string): StateValue {
  const [first = '', ...rest] = path.split('.');
  return rest.length === 0 ? first : { [first]: valueOf(rest.join('.')) };
}
