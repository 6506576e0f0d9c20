/**
 * One task actor's turn: what its waiting events do to it, computed in order, before anything is committed.
 *
 * Pure but for the stamp. The host calls it with everything in the mailbox; several transitions of one actor then share one
 * commit, under consecutive versions.
 */
import type {
  LateReportRecord,
  TaskRecord,
  TaskUpdate,
  TransitionRecord,
} from '../../db/records.ts';
import { behaviourOf } from '../../machines/behaviour.ts';
import { decideUpgrade } from '../../machines/decide.ts';
import type { MusterError } from '../../machines/errors.ts';
import type { Effect } from '../../machines/interpret.ts';
import type { EndedAttempt } from '../../machines/task-context.ts';
import { upgradeSnapshot } from '../../machines/snapshot.ts';
import type { SnapshotVersions } from '../../machines/snapshot.ts';
import type { MachineUpgraded, TaskEvent, TaskEventBody } from '../../machines/task-events.ts';

/** What an event did, once it is committed. */
export type Applied =
  | { readonly kind: 'transition'; readonly record: TaskRecord }
  | Late
  | { readonly kind: 'ignored'; readonly record: TaskRecord };

/** A report of a former attempt or session. */
export interface Late {
  readonly kind: 'late';
  readonly record: TaskRecord;
  readonly report: LateReportRecord;
}

/** The outcome of one event of a turn, in the order of the events. */
export type Outcome = { readonly kind: 'refused'; readonly error: MusterError } | Applied;

export interface Turn {
  readonly outcomes: readonly Outcome[];
  /** Null when nothing changed. */
  readonly update: TaskUpdate | null;
  readonly effects: readonly Effect[];
  readonly transitions: readonly TransitionRecord[];
  /** The record after the update. */
  readonly record: TaskRecord;
}

export interface Stamper {
  /** Time by the database's clock, ms. */
  now(): number;
  random(): number;
}

/**
 * @param versions the actor's machine through its versions; a snapshot of an older one is upgraded first, as a transition of its own
 * @throws MusterError `snapshot_too_new` for a snapshot that a newer program wrote
 */
export function takeTurn(
  before: TaskRecord,
  bodies: readonly TaskEventBody[],
  stamper: Stamper,
  supervisorId: string,
  versions: SnapshotVersions = behaviourOf(before.type).versions,
): Turn {
  const { decide, wakeAt } = behaviourOf(before.type);
  const upgrade = upgradeOf(before, versions);
  let record = before;
  const outcomes: Outcome[] = [];
  const transitions: TransitionRecord[] = [];
  const endedAttempts: EndedAttempt[] = [];
  const effects: Effect[] = [];
  for (const body of [...upgrade, ...bodies]) {
    // Time never runs backwards within one actor, whichever supervisors it has been on.
    const at = Math.max(stamper.now(), record.updatedAt);
    const event: TaskEvent = { ...body, at, random: stamper.random() };
    const decision =
      event.type === 'machine.upgraded'
        ? decideUpgrade(versions, record.snapshot, event)
        : decide(record.snapshot, event);
    if (decision.kind === 'refused') {
      outcomes.push({ kind: 'refused', error: decision.error });
    } else if (decision.kind === 'late') {
      const attempt = 'attempt' in event ? event.attempt : 0;
      const report = { taskId: record.id, attempt, event, why: decision.why, at };
      outcomes.push({ kind: 'late', record, report });
    } else if (decision.kind === 'ignored') {
      outcomes.push({ kind: 'ignored', record });
    } else {
      const { snapshot } = decision;
      const version = record.version + 1;
      transitions.push({
        taskId: record.id,
        version,
        event,
        fromPath: record.snapshot.path,
        toPath: snapshot.path,
        at,
        attempt: snapshot.context.attempt,
        supervisorId,
      });
      const { ended } = snapshot.context;
      if (ended !== null && ended.number !== record.snapshot.context.ended?.number) {
        endedAttempts.push(ended);
      }
      effects.push(...decision.effects);
      const machineVersion =
        event.type === 'machine.upgraded' ? event.toVersion : record.machineVersion;
      record = { ...record, version, machineVersion, snapshot, updatedAt: at };
      outcomes.push({ kind: 'transition', record });
    }
  }
  const update: TaskUpdate | null =
    transitions.length === 0
      ? null
      : {
          taskId: record.id,
          expectedVersion: before.version,
          machineVersion: record.machineVersion,
          snapshot: record.snapshot,
          wakeAt: wakeAt(record.snapshot),
          transitions,
          endedAttempts,
        };
  // Nobody has asked for the upgrade, so nobody is answered.
  return { outcomes: outcomes.slice(upgrade.length), update, effects, transitions, record };
}

function upgradeOf(before: TaskRecord, versions: SnapshotVersions): readonly MachineUpgraded[] {
  const { snapshot, machineVersion } = before;
  if (machineVersion === versions.current) return [];
  // Refuses a newer version, and an older one that there is no way from.
  upgradeSnapshot(versions, snapshot, machineVersion);
  return [{ type: 'machine.upgraded', fromVersion: machineVersion, toVersion: versions.current }];
}
