/** Which definition of a machine is shown: the one that runs, or one that ran before. */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { MachineVersion } from '../../../proto/gen/muster/v1/machine_pb.ts';
import { absoluteText } from '../../ui/time.tsx';
import { versionWords } from './versions.ts';

/** The date and the minute; versions do not come faster. */
const DATE_CHARACTERS = 16;

/** When a definition was first seen. */
export function seenText({ firstSeenAt }: MachineVersion): string {
  if (firstSeenAt === undefined) return '';
  return absoluteText(timestampMs(firstSeenAt)).slice(0, DATE_CHARACTERS);
}

/** A choice where there are several; else the version, if it has one. */
export function VersionChoice({
  versions,
  shown,
  onChoose,
}: {
  /** Of one machine. */
  readonly versions: readonly MachineVersion[];
  readonly shown: MachineVersion | undefined;
  readonly onChoose: (version: MachineVersion) => void;
}) {
  if (shown === undefined) return null;
  if (versions.length === 1) {
    if (shown.version === '') return null;
    return <span className="text-sm font-normal text-soft">version {shown.version}</span>;
  }
  return (
    <select
      aria-label="Version"
      value={shown.hash}
      onChange={({ target }) => {
        const chosen = versions.find(({ hash }) => hash === target.value);
        if (chosen !== undefined) onChoose(chosen);
      }}
      className="rounded-md border border-line bg-panel px-2 py-1 text-sm font-normal"
    >
      {versions.map((one) => (
        <option key={one.hash} value={one.hash}>
          {versionWords(one, versions)}
          {one.running ? ', runs now' : `, first seen ${seenText(one)}`}
        </option>
      ))}
    </select>
  );
}

export function FormerNote({ version }: { readonly version: MachineVersion }) {
  return (
    <p role="status" className="rounded-lg border border-line bg-raised px-4 py-2">
      This is a former definition, first seen on {seenText(version)}. It does not run here any more,
      and nothing is counted for it.
    </p>
  );
}
