/** What an agent is told with a Start: how long an attempt may live on while no supervisor is heard. */
import { expect, it } from 'vitest';
import { ScriptedAgent } from './scripted-agent.ts';
import { create, draft, startsArrive, useBench } from './testing/test-bench.ts';

const bench = useBench();

it.each([
  ['ends early enough for the next attempt', { maxAttempts: 2 }, 120_000 - 10_000 - 5_000],
  ['has none where no attempt may follow', { maxAttempts: 1 }, null],
  [
    'is not over between two heartbeats when the grace is longer than lost_after',
    { maxAttempts: 2, stopGraceMs: 300_000 },
    15_000,
  ],
  [
    'is not over between two heartbeats when lost_after is short',
    { maxAttempts: 2, lostAfterMs: 1_000 },
    15_000,
  ],
])('the lease of an attempt %s', async (_, policy, leaseMs) => {
  const supervisor = await bench.start();
  const agent = new ScriptedAgent('web-1');
  await agent.connect(supervisor);
  await create(supervisor, draft('web-1', policy));
  await startsArrive(agent, 1);
  expect(agent.starts()[0]?.leaseMs).toBe(leaseMs);
});
