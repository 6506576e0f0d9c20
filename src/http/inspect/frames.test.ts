/** The frames of @statelyai/inspect. */
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { FRAMES_VERSION, framesOf } from './frames.ts';

const ID = '0198c6e2-0000-7000-8000-000000000001';
const context = { attempt: 1 };
const base = { sessionId: ID, rootId: ID, createdAt: '1700000000000', _version: FRAMES_VERSION };

it('are those of the installed version of the package', async () => {
  const text = await readFile('node_modules/@statelyai/inspect/package.json', 'utf8');
  expect((JSON.parse(text) as { version: string }).version).toBe(FRAMES_VERSION);
});

it('tell of an actor with its definition', () => {
  const frames = framesOf({
    kind: 'actor',
    id: ID,
    name: 'uptime',
    definition: '{"id":"task"}',
    at: 1_700_000_000_000,
    snapshot: { path: 'pending.queued', isFinal: false, context },
  });
  expect(frames).toEqual([
    {
      ...base,
      id: `${ID}:actor`,
      type: '@xstate.actor',
      name: 'uptime',
      parentId: undefined,
      definition: '{"id":"task"}',
      snapshot: { status: 'active', value: { pending: 'queued' }, context },
    },
  ]);
});

it('tell of a step as an event and the snapshot after it', () => {
  const event = { type: 'attempt.exited', exitCode: 0 };
  const frames = framesOf({
    kind: 'step',
    id: ID,
    version: 4,
    event,
    at: 1_700_000_000_000,
    snapshot: { path: 'completed', isFinal: true, context },
  });
  expect(frames).toEqual([
    { ...base, id: `${ID}:4:event`, type: '@xstate.event', sourceId: undefined, event },
    {
      ...base,
      id: `${ID}:4:snapshot`,
      type: '@xstate.snapshot',
      event,
      snapshot: { status: 'done', value: 'completed', context },
    },
  ]);
});
