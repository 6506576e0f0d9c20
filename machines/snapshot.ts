/**
 * Stored snapshots and their versions.
 *
 * A snapshot is stored with the version of the machine that wrote it. An older one is upgraded step by step by functions
 * kept for ever beside the machine; the upgrade is itself a committed transition (`machine.upgraded`). A newer one belongs to
 * a newer program and is refused, untouched.
 */
import { MusterError } from './errors.ts';

/** A machine's state as it stands in the database. */
export interface StoredSnapshot<Context> {
  /** Dotted path, for example running.executing or completed. */
  readonly path: string;
  readonly context: Context;
}

/** Upgrades a snapshot by one version of its machine. */
export type UpgradeStep = (snapshot: StoredSnapshot<never>) => StoredSnapshot<unknown>;

/** What a machine needs to read snapshots of all its versions. */
export interface SnapshotVersions {
  /** The machine's name, for messages. */
  readonly machine: string;
  readonly current: number;
  /** The step from version n to n + 1 under the key n. */
  readonly steps: Readonly<Record<number, UpgradeStep>>;
}

/**
 * Returns a snapshot in the current version of its machine, or in an earlier one that a history stopped at.
 *
 * @throws MusterError `snapshot_too_new` if a newer program wrote it, `internal` if a step is missing
 */
export function upgradeSnapshot<Context>(
  versions: SnapshotVersions,
  stored: StoredSnapshot<unknown>,
  storedVersion: number,
  wantedVersion = versions.current,
): StoredSnapshot<Context> {
  const newest = Math.max(storedVersion, wantedVersion);
  if (newest > versions.current) {
    throw new MusterError(
      'snapshot_too_new',
      `Cannot read a snapshot of the ${versions.machine} machine: it has version ${newest}, ` +
        `and this program knows up to ${versions.current}; use the newer Muster that wrote it`,
    );
  }
  let snapshot = stored;
  for (let version = storedVersion; version < wantedVersion; version += 1) {
    const step = versions.steps[version];
    if (step === undefined) {
      throw new MusterError(
        'internal',
        `There is no upgrade of the ${versions.machine} machine from version ${version}`,
      );
    }
    snapshot = step(snapshot as StoredSnapshot<never>);
  }
  return snapshot as StoredSnapshot<Context>;
}
