/**
 * One node's turn: an event applied to its record, and the commit that makes it true.
 *
 * As with schedules, nodes move seldom, so that each commit is a statement of its own with the version check that all actors have;
 * whoever loses loads the node again and decides anew (I6).
 */
import { moveNodeActor, readNodeActor } from '../../db/node-actors.ts';
import type { NodeActorRecord, NodeTransition } from '../../db/node-actors.ts';
import { MusterError } from '../../machines/errors.ts';
import type { NodeEventBody } from '../../machines/node-context.ts';
import {
  NODE_SNAPSHOT_VERSIONS,
  createNode,
  decideNode,
  nodeWakeAt,
} from '../../machines/node-decide.ts';
import { NODE_MACHINE_VERSION } from '../../machines/node.ts';
import { upgradeSnapshot } from '../../machines/snapshot.ts';
import type { Stamper } from './actor.ts';
import { encodeNews } from './news.ts';
import type { StepCounter } from './step-counter.ts';
import type { Store } from './store.ts';

export interface NodeActorOptions {
  readonly store: Store;
  readonly stamper: Stamper;
  readonly supervisorId: string;
  readonly counter: Pick<StepCounter, 'count'>;
}

/** Lost races in a row after which a caller is told to try again. */
const MAX_CONFLICTS = 20;

/** @throws MusterError `unknown_node`, `snapshot_too_new` */
export async function loadNode(store: Store, nodeId: string): Promise<NodeActorRecord> {
  const record = await store.read((sql) =>
    readNodeActor(sql, nodeId, (input) => ({
      machineVersion: NODE_MACHINE_VERSION,
      snapshot: createNode(input),
    })),
  );
  if (record === null) throw unknownNode(nodeId);
  // Refuses what a newer program wrote.
  upgradeSnapshot(NODE_SNAPSHOT_VERSIONS, record.snapshot, record.machineVersion);
  return record;
}

/** Makes the error for a node that nobody knows. */
export function unknownNode(nodeId: string): MusterError {
  return new MusterError(
    'unknown_node',
    `Node ${nodeId} is unknown; a node is known from the first connection of its agent on`,
  );
}

/**
 * Applies an event to a node. What asks for what is already so changes nothing.
 *
 * @throws MusterError `unknown_node`, `illegal_transition`, `conflict`
 */
export async function applyToNode(
  options: NodeActorOptions,
  nodeId: string,
  body: NodeEventBody,
): Promise<NodeActorRecord> {
  const { store, supervisorId, counter } = options;
  for (let conflicts = 0; conflicts <= MAX_CONFLICTS; conflicts += 1) {
    const before = await loadNode(store, nodeId);
    const move = moveNode(options, before, body);
    if (move === null) return before;
    const news = encodeNews({
      from: supervisorId,
      taskIds: [],
      queuedFor: [],
      sessions: [],
      nodes: [nodeId],
    });
    const isMoved = await store.read((sql) => moveNodeActor(sql, move.record, move.steps, news));
    if (!isMoved) continue;
    counter.count('node', move.steps);
    return move.record;
  }
  throw new MusterError('conflict', `Node ${nodeId} changes faster than this call can follow`);
}

/** Returns the node after an event with the steps that lead there, or null if the event changes nothing. Nothing is stored. */
function moveNode(
  { stamper, supervisorId }: NodeActorOptions,
  before: NodeActorRecord,
  body: NodeEventBody,
): { record: NodeActorRecord; steps: NodeTransition[] } | null {
  // Time never runs backwards within one actor, whichever supervisors it has been on.
  const at = Math.max(stamper.now(), before.updatedAt);
  const event = { ...body, at };
  const decision = decideNode(before.snapshot, event);
  if (decision.kind === 'refused') throw decision.error;
  if (decision.kind === 'ignored') return null;
  const { snapshot } = decision;
  const steps = before.version === 0 ? [creationOf(before, supervisorId)] : [];
  const version = before.version + steps.length + 1;
  const [fromPath, toPath] = [before.snapshot.path, snapshot.path];
  steps.push({ version, event, fromPath, toPath, at, supervisorId });
  const record = { ...before, version, snapshot, wakeAt: nodeWakeAt(snapshot), updatedAt: at };
  return { record, steps };
}

/** The first step of a node that has never been an actor: it has been there since its first session. */
function creationOf({ snapshot }: NodeActorRecord, supervisorId: string): NodeTransition {
  const { id, createdAt } = snapshot.context;
  const event = { type: 'node.created', at: createdAt, input: { id, createdAt } } as const;
  return { version: 1, event, fromPath: '', toPath: snapshot.path, at: createdAt, supervisorId };
}
