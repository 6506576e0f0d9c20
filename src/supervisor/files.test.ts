// Contents on a real database: the hash decides, an upload goes on where it was, and an attempt transfers its own content only.
import { createHash, randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { ScriptedAgent } from './scripted-agent.ts';
import type { Chunk } from './supervisor.ts';
import { eventually } from '../../test/eventually.ts';
import { caller, draft, kindOf, reaches, useBench } from './testing/test-bench.ts';

const bench = useBench();
const KIB = 1024;

const hashOf = (content: Uint8Array) => createHash('sha256').update(content).digest('hex');

function chunkOf(content: Uint8Array, from = 0, to = content.length): Chunk {
  return {
    sha256: hashOf(content),
    sizeBytes: content.length,
    offset: from,
    content: content.subarray(from, to),
  };
}

it('is complete with the last byte, by any supervisor, and then the same for all', async () => {
  const [one, other] = [await bench.start(), await bench.start()];
  const content = randomBytes(600 * KIB);
  const sha256 = hashOf(content);
  const half = await one.files.upload(chunkOf(content, 0, 300 * KIB));
  expect(half).toMatchObject({ storedBytes: 300 * KIB, isComplete: false });
  expect(await other.files.find(sha256)).toMatchObject(half);
  expect(await other.files.upload(chunkOf(content, 0, 300 * KIB))).toMatchObject(half);
  await expect(other.files.read(sha256, 0, 10)).rejects.toThrow(`There is no content ${sha256}`);
  const whole = await other.files.upload(chunkOf(content, 300 * KIB));
  expect(whole).toMatchObject({ storedBytes: 600 * KIB, isComplete: true });
  expect(await one.files.upload(chunkOf(content, 0, 0))).toMatchObject(whole);
  const { content: read } = await one.files.read(sha256, 290 * KIB, 20 * KIB);
  expect(Buffer.compare(Buffer.from(read), content.subarray(290 * KIB, 310 * KIB))).toBe(0);
});

it('refuses bytes of another hash and begins anew', async () => {
  const { files } = await bench.start();
  const content = randomBytes(100);
  const wrong = { ...chunkOf(randomBytes(100)), sha256: hashOf(content) };
  const failure = files.upload(wrong);
  await expect(failure).rejects.toThrow(`does not have the SHA-256 ${hashOf(content)}`);
  expect(await kindOf(files.upload(wrong))).toBe('invalid_argument');
  expect(await files.find(hashOf(content))).toMatchObject({ storedBytes: 0, isComplete: false });
  expect(await files.upload(chunkOf(content))).toMatchObject({ isComplete: true });
});

it.each<[string, (content: Uint8Array) => Chunk, string]>([
  ['more than the size', (content) => ({ ...chunkOf(content), sizeBytes: 5 }), 'size_bytes is 5'],
  ['a small chunk in the middle', (content) => chunkOf(content, 0, 5), 'at least 262144'],
  ['over 100 MiB', (content) => ({ ...chunkOf(content), sizeBytes: 2 ** 30 }), 'there can be'],
])('refuses %s', async (_, wish, words) => {
  const { files } = await bench.start();
  await expect(files.upload(wish(randomBytes(600 * KIB)))).rejects.toThrow(words);
});

it('creates no task and no schedule for a content that is not there, or of another size', async () => {
  const { tasks, schedules, files } = await bench.start();
  const content = randomBytes(10);
  const wish = (sizeBytes = 10) =>
    draft(null, {}, { content: { sha256: hashOf(content), sizeBytes } });
  const create = (sizeBytes?: number) => tasks.create([wish(sizeBytes)], caller, '');
  const schedule = () =>
    schedules.create(
      {
        name: 's',
        timing: { kind: 'every', everyMs: 3_600_000 },
        startAt: null,
        endAt: null,
        jitterMs: 0,
        overlap: 'forbid',
        missed: 'latest',
        missedWindowMs: 3_600_000,
        task: wish(),
        spec: {},
      },
      caller,
    );
  await expect(create()).rejects.toThrow('is not stored; upload it first');
  expect(await kindOf(create())).toBe('unknown_content');
  expect(await kindOf(schedule())).toBe('unknown_content');
  await files.upload(chunkOf(content));
  await expect(create(11)).rejects.toThrow('size_bytes is 11; the content');
  expect(await create()).toHaveLength(1);
  expect(await schedule()).toMatchObject({ name: 's' });
});

it('lets only the node that runs an attempt transfer its content, while it runs (I11)', async () => {
  const supervisor = await bench.start();
  const { files, tasks } = supervisor;
  const agent = new ScriptedAgent('n1');
  await agent.connect(supervisor);
  const spec = { file: { path: '/x', get: {} } };
  const [task] = await tasks.create([{ ...draft('n1'), spec }], caller, '');
  const taskId = task?.id ?? '';
  await eventually(() => agent.starts().length === 1, 'it is started');
  const attempt = { nodeId: 'n1', taskId, attempt: 1 };
  expect(await files.specOf(attempt)).toEqual(spec);
  for (const wrong of [{ nodeId: 'n2' }, { attempt: 2 }, { taskId: caseOf(1) }]) {
    expect(await kindOf(files.specOf({ ...attempt, ...wrong }))).toBe('permission_denied');
  }
  expect(await kindOf(files.fetched(taskId))).toBe('unknown_content');
  const content = randomBytes(300 * KIB);
  expect(await files.store(attempt, chunkOf(content, 0, 299 * KIB))).toMatchObject({
    isComplete: false,
  });
  expect(await files.store(attempt, chunkOf(content, 299 * KIB))).toMatchObject({
    isComplete: true,
  });
  expect(await files.fetched(taskId)).toMatchObject({ sha256: hashOf(content) });
  agent.tell(agent.started(taskId), agent.exited(taskId, 0));
  await reaches(supervisor, taskId, 'completed');
  await expect(files.specOf(attempt)).rejects.toThrow(
    `attempt 1 of task ${taskId} does not run on node n1`,
  );
});

const caseOf = (number: number) => `0198c6e2-0000-7000-8000-${String(number).padStart(12, '0')}`;
