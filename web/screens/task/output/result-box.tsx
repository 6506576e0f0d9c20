/** What a handler has returned, above its output. */
import { useQuery } from '@tanstack/react-query';
import { OutputStream, type Task, TaskType } from '../../../../proto/gen/muster/v1/task_pb.ts';
import { explain, tasks } from '../../../connection.ts';
import { Failure } from '../../../ui/page.tsx';
import { isFinal } from '../../../ui/state.tsx';

export function ResultBox({ task, attempt }: { readonly task: Task; readonly attempt: number }) {
  // Only what has completed has one.
  const isHandler = task.type === TaskType.HANDLER && attempt > 0 && isFinal(task);
  const { data, error } = useQuery({
    queryKey: ['result', task.id, attempt, task.version],
    enabled: isHandler,
    queryFn: async () => {
      const { content } = await tasks.readOutput({
        id: task.id,
        attempt,
        stream: OutputStream.RESULT,
      });
      return new TextDecoder().decode(content);
    },
  });
  if (!isHandler) return null;
  if (error !== null) {
    return (
      <div className="p-3">
        <Failure>The result cannot be shown: {explain(error)}</Failure>
      </div>
    );
  }
  if (data === undefined || data === '') return null;
  return (
    <section aria-label="Result" className="border-b border-line px-4 py-3">
      <h2 className="mb-1.5 font-medium text-soft">Result</h2>
      <pre
        // What scrolls has to be reachable by keys.
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        className="max-h-60 overflow-auto rounded-lg bg-raised px-3 py-2 font-mono text-[12.5px] whitespace-pre-wrap [overflow-wrap:anywhere]"
      >
        {prettyJson(data)}
      </pre>
    </section>
  );
}

/** Indented; what is no JSON (a long result is read in part) stays as it is. */
function prettyJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
