/**
 * The specs of tasks that are about to start.
 *
 * A spec never changes, so whoever creates a task leaves its spec here, and the dispatch a moment later needs no read. Bounded
 * by count and size; what is not here is read, all that are asked for at once in one statement.
 */
import { readSpecs } from '../../db/specs.ts';
import { MusterError } from '../../machines/errors.ts';
import { GroupCommit } from './group-commit.ts';
import type { FailureClass } from './group-commit.ts';
import type { Store } from './store.ts';

const MAX_SPECS = 2_000;
/** A spec may have 2 MiB; the usual one has 1 kB. Larger ones than this are read when they are needed. */
const MAX_SPEC_CHARACTERS = 16_384;

export class SpecCache {
  readonly #specs = new Map<string, unknown>();
  readonly #reads: GroupCommit<string, unknown>;

  constructor(store: Store, classify: (error: unknown) => FailureClass) {
    this.#reads = new GroupCommit({
      name: 'specs',
      maxBatch: 200,
      classify,
      async commit(ids) {
        const specs = await store.read((sql) => readSpecs(sql, ids));
        return ids.map((id) => specs.get(id));
      },
    });
  }

  put(specId: string, spec: unknown): void {
    if (JSON.stringify(spec).length > MAX_SPEC_CHARACTERS) return;
    this.#specs.set(specId, spec);
    if (this.#specs.size > MAX_SPECS) {
      const [oldest] = this.#specs.keys();
      this.#specs.delete(oldest as string);
    }
  }

  /** Removes what it returns: a task is usually started once. @throws MusterError `internal` if there is none */
  async take(specId: string): Promise<unknown> {
    const known = this.#specs.get(specId);
    if (known !== undefined) {
      this.#specs.delete(specId);
      return known;
    }
    const spec = await this.#reads.submit(specId);
    if (spec === undefined) throw new MusterError('internal', `The spec ${specId} is missing`);
    return spec;
  }
}
