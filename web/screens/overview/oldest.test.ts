// The search for the oldest task.
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from 'vitest';
import { TaskSchema } from '../../../proto/gen/muster/v1/task_pb.ts';
import { findOldest } from './oldest.ts';

const NOW = Date.UTC(2026, 0, 31);

/** A server with one task for each age in ms; pages of ten. */
function serve(ages: readonly number[]) {
  let asked = 0;
  const times = ages.map((age) => NOW - age).sort((a, b) => b - a);
  const readBefore = async (untilMs: number | null) => {
    asked += 1;
    const older = times.filter((at) => untilMs === null || at < untilMs);
    const tasks = older
      .slice(0, 10)
      .map((at) => create(TaskSchema, { id: String(at), createdAt: timestampFromMs(at) }));
    return { tasks, hasMore: older.length > tasks.length };
  };
  return { readBefore, asked: () => asked };
}

describe('the oldest task', () => {
  it('is found with one question where there are few', async () => {
    const { readBefore, asked } = serve([5_000, 1_000, 9_000]);
    const { tasks, isSure } = await findOldest(readBefore, NOW);
    expect(tasks[0]?.id).toBe(String(NOW - 9_000));
    expect(isSure).toBe(true);
    expect(asked()).toBe(1);
  });

  it('is found among many with few questions', async () => {
    const ages = Array.from({ length: 50_000 }, (_, index) => 1_000 + index * 700);
    const { readBefore, asked } = serve([...ages, 90 * 86_400_000]);
    const { tasks, isSure } = await findOldest(readBefore, NOW);
    expect(tasks[0]?.id).toBe(String(NOW - 90 * 86_400_000));
    expect(isSure).toBe(true);
    expect(asked()).toBeLessThan(24);
  });

  it('is none where there is no task', async () => {
    const { readBefore } = serve([]);
    expect(await findOldest(readBefore, NOW)).toEqual({ tasks: [], isSure: true });
  });
});
