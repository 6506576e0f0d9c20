/**
 * Hands each attempt to the executor of its kind of action. Made by main.ts; Attempts sees one executor.
 *
 * What runs as a process group leaves the record of the script executor, so that one finds and removes whatever lies in an
 * attempt's folder. A call of a handler has no folder; the command in the journal tells that it was one.
 */
import type { StartAttempt } from '../../proto/gen/muster/v1/agent_service_pb.ts';
import type { OutputSource } from '../output-source.ts';
import type { Executor, FoundGroup, StartResult } from './executor.ts';

/** One executor for each kind of action. */
export type Executors = Readonly<
  Record<NonNullable<StartAttempt['action']['case']>, Executor> & {
    handler: Executor & { holds(folder: string): boolean };
  }
>;

export class ActionExecutor implements Executor {
  readonly #executors: Executors;

  constructor(executors: Executors) {
    this.#executors = executors;
  }

  async check(): Promise<void> {
    for (const executor of Object.values(this.#executors)) await executor.check();
  }

  outputOf(start: StartAttempt, folder: string): OutputSource {
    return this.#of(start).outputOf(start, folder);
  }

  async start(start: StartAttempt, folder: string, signal?: AbortSignal): Promise<StartResult> {
    return await this.#of(start).start(start, folder, signal);
  }

  async find(folder: string, start?: StartAttempt): Promise<FoundGroup> {
    return await this.#of(start).find(folder, start);
  }

  async remove(folder: string): Promise<void> {
    const { handler, script } = this.#executors;
    await (handler.holds(folder) ? handler : script).remove(folder);
  }

  close(): void {
    for (const executor of Object.values(this.#executors)) executor.close();
  }

  /** An action of a newer supervisor has no case here; the script executor says so. */
  #of(start?: StartAttempt): Executor {
    return this.#executors[start?.action.case ?? 'script'];
  }
}
