/** Goes back and forth through the history of a task, with the mouse or with `,` `.` and `l`, and says where one is. */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { Transition } from '../../../../proto/gen/muster/v1/task_pb.ts';
import { type Keys, useKeys } from '../../../ui/keys.ts';
import { StateBadge } from '../../../ui/state.tsx';
import { absoluteText } from '../../../ui/time.tsx';

export function Timeline(props: {
  readonly steps: readonly Transition[];
  /** Index of the step that is shown. */
  readonly index: number;
  readonly isPast: boolean;
  readonly isFinal: boolean;
  readonly setVersion: (version: number | null) => void;
}) {
  const { steps, index, isPast, isFinal, setVersion } = props;
  const last = steps.length - 1;
  /** The last step of all is where it is live anyway. */
  const goTo = (next: number) =>
    setVersion(next >= last ? null : (steps[Math.max(next, 0)]?.version ?? null));
  const keys: Keys = {
    ',': () => goTo(index - 1),
    '.': () => goTo(index + 1),
    l: () => setVersion(null),
  };
  useKeys(keys);
  if (steps.length === 0) return null;
  return (
    <div
      className={`flex flex-wrap items-center gap-x-3 gap-y-1 rounded-lg border px-3 py-1.5 ${isPast ? 'border-warn bg-panel' : 'border-line'}`}
    >
      <div className="flex items-center gap-1">
        <Step
          label="One step back"
          keys=","
          isDisabled={index <= 0}
          onClick={() => goTo(index - 1)}
        >
          ◂
        </Step>
        <input
          type="range"
          aria-label="Version"
          aria-valuetext={`version ${steps[index]?.version ?? 0} of ${steps[last]?.version ?? 0}`}
          min={0}
          max={last}
          value={index}
          disabled={last === 0}
          onChange={(event) => goTo(Number(event.target.value))}
          // A slider that was dragged has the focus, and keys in fields are left alone otherwise.
          onKeyDown={(event) => keys[event.key]?.()}
          className="w-56 accent-accent"
        />
        <Step label="One step on" keys="." isDisabled={!isPast} onClick={() => goTo(index + 1)}>
          ▸
        </Step>
      </div>
      <Where step={steps[index]} last={steps[last]} isPast={isPast} isFinal={isFinal} />
      <span className="grow" />
      {isPast ? (
        <button
          type="button"
          title="Return to live (l)"
          onClick={() => setVersion(null)}
          className="rounded-md border border-warn px-2.5 py-0.5 font-medium text-warn hover:bg-raised"
        >
          Return to live
        </button>
      ) : (
        <span className="text-xs text-soft">
          <Key>,</Key> <Key>.</Key> step through the history
        </span>
      )}
    </div>
  );
}

function Where(props: {
  readonly step: Transition | undefined;
  readonly last: Transition | undefined;
  readonly isPast: boolean;
  readonly isFinal: boolean;
}) {
  const { step, last, isPast, isFinal } = props;
  if (step === undefined || last === undefined) return null;
  const at = step.at === undefined ? '' : absoluteText(timestampMs(step.at));
  if (!isPast) {
    return (
      <span role="status" className="flex items-center gap-2">
        <span
          aria-hidden
          className={`size-2 rounded-full ${isFinal ? 'bg-soft' : 'animate-pulse bg-live'}`}
        />
        {isFinal ? 'Final' : 'Live'}, version {last.version}
      </span>
    );
  }
  return (
    <span role="status" className="flex flex-wrap items-center gap-x-3 text-warn">
      <span className="font-medium">
        You are looking at version {step.version} of {last.version}
      </span>
      <span className="text-soft tabular-nums">{at}</span>
      <StateBadge path={step.toState} />
    </span>
  );
}

function Step(props: {
  readonly label: string;
  readonly keys: string;
  readonly isDisabled: boolean;
  readonly onClick: () => void;
  readonly children: string;
}) {
  const { label, keys, isDisabled, onClick, children } = props;
  return (
    <button
      type="button"
      aria-label={label}
      title={`${label} (${keys})`}
      disabled={isDisabled}
      onClick={onClick}
      className="size-7 rounded-md hover:bg-raised disabled:opacity-40 disabled:hover:bg-transparent"
    >
      <span aria-hidden>{children}</span>
    </button>
  );
}

function Key({ children }: { readonly children: string }) {
  return (
    <kbd className="rounded border border-line bg-raised px-1 font-mono text-xs">{children}</kbd>
  );
}
