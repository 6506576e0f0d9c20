/**
 * Hands each attempt to the executor of its kind of action. Made by main.ts; Attempts sees one executor.
 *
 * After a restart of the agent nothing but the folder tells who started an attempt. What runs as a process group leaves the
 * record of the script executor, so that one finds and removes whatever lies in an attempt's folder.
 */
import type { StartAttempt } from '../../proto/gen/muster/v1/agent_service_pb.ts';
import type { Executor, FoundGroup, StartResult } from './executor.ts';

/** One executor for each kind of action. */
export type Executors = Readonly<Record<NonNullable<StartAttempt['action']['case']>, Executor>>;

export class ActionExecutor implements Executor {
  readonly #executors: Executors;

  constructor(executors: Executors) {
    this.#executors = executors;
  }

  async check(): Promise<void> {
    for (const executor of Object.values(this.#executors)) await executor.check();
  }

  async start(start: StartAttempt, folder: string): Promise<StartResult> {
    // An action of a newer supervisor has no case here; the script executor says so.
    return await this.#executors[start.action.case ?? 'script'].start(start, folder);
  }

  async find(folder: string): Promise<FoundGroup> {
    return await this.#executors.script.find(folder);
  }

  async remove(folder: string): Promise<void> {
    await this.#executors.script.remove(folder);
  }

  close(): void {
    for (const executor of Object.values(this.#executors)) executor.close();
  }
}
