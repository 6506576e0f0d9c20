/** What one step has changed: what is known of the task before and after it, and its event as it was applied. */
import type { Transition } from '../../../../proto/gen/muster/v1/task_pb.ts';
import { eventWords } from '../machine/words.ts';
import { differencesOf, factsOf } from '../steps.ts';

export function StepDetails(props: {
  readonly steps: readonly Transition[];
  readonly index: number;
}) {
  const { steps, index } = props;
  const step = steps[index];
  if (step === undefined) return null;
  const before = factsOf(steps.slice(0, index));
  const differences = differencesOf(before, factsOf(steps.slice(0, index + 1)));
  return (
    <div className="flex min-w-0 flex-col gap-3 border-line px-4 py-3 max-xl:border-t xl:border-l">
      <div>
        <h3 className="font-medium">
          Version {step.version} <span className="font-mono text-[13px]">{step.eventType}</span>
        </h3>
        <p className="text-soft">{eventWords(step.eventType)}</p>
      </div>
      {differences.length === 0 ? (
        <p className="text-soft">Nothing that is shown here has changed.</p>
      ) : (
        <table className="w-full table-fixed text-left text-xs leading-5 [overflow-wrap:anywhere]">
          <thead className="text-soft">
            <tr>
              <th className="w-24 py-0.5 pr-2 font-normal">What</th>
              <th className="py-0.5 pr-2 font-normal">Before</th>
              <th className="py-0.5 font-normal">After</th>
            </tr>
          </thead>
          <tbody>
            {differences.map(({ name, before: old, after }) => (
              <tr key={name} className="border-t border-line/60 align-top">
                <th className="py-0.5 pr-2 font-normal text-soft">{name}</th>
                <td className="py-0.5 pr-2 text-soft">{old ?? '–'}</td>
                <td className="py-0.5">{after ?? '–'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <pre
        tabIndex={0}
        aria-label="The event"
        className="max-h-60 overflow-auto rounded-md bg-raised px-3 py-2 font-mono text-xs leading-5"
      >
        {JSON.stringify(step.event ?? {}, null, 2)}
      </pre>
    </div>
  );
}
