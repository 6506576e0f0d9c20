/**
 * Two agents with one node id: the one that is there keeps it, on whichever supervisor the other one asks.
 */
import { describe, expect, it } from 'vitest';
import { eventually } from '../../test/eventually.ts';
import { createLogger } from '../process/log.ts';
import { ScriptedAgent } from './scripted-agent.ts';
import {
  create,
  draft,
  pathOf,
  reaches,
  startsArrive,
  useBench,
  verified,
} from './testing/test-bench.ts';

const bench = useBench();
const OTHER = { bootId: 'boot-of-another', facts: { hostname: 'host-2' } };

describe('a second agent with the id of a node', () => {
  it('is refused and told what to do, here and elsewhere, and the first one is not disturbed (I2, I6)', async () => {
    const [one, other] = [await bench.start(), await bench.start()];
    const first = new ScriptedAgent('web-1');
    await first.connect(one, { facts: { hostname: 'host-1' } });
    const [id = ''] = await create(one, draft('web-1'));
    await startsArrive(first, 1);
    first.tell(first.started(id));
    await reaches(one, id, 'running.executing');
    const second = new ScriptedAgent('web-1');
    for (const supervisor of [one, other, one]) {
      await second.connect(supervisor, OTHER);
      expect(second.epoch).toBe(0);
      expect(second.goodbye?.reason).toBe('replaced');
      expect(second.goodbye?.message).toMatch(
        /another agent on host host-1 has the node id web-1 .* another id \(--node\), or stop/,
      );
    }
    expect(await pathOf(one, id)).toBe('running.executing');
    first.tell(first.exited(id, 0));
    await reaches(one, id, 'completed');
    expect(first.goodbye).toBeNull();
    await verified(one, id);
  });

  it('is let in once the first one has left, or its connection is gone', async () => {
    const [one, other] = [await bench.start(), await bench.start()];
    const [first, second] = [new ScriptedAgent('web-1'), new ScriptedAgent('web-1')];
    await first.connect(one);
    first.disconnect();
    await eventually(async () => {
      await second.connect(other, OTHER);
      return second.goodbye === null;
    }, 'it is let in');
    await first.connect(one);
    expect(first.goodbye?.message).toContain('on host host-2');
  });

  it('is let in at once by the supervisor that has seen the first one go', async () => {
    const supervisor = await bench.start();
    for (let round = 0; round < 10; round += 1) {
      const agent = new ScriptedAgent('web-1');
      await agent.connect(supervisor, { bootId: `boot-${round}` });
      expect(agent.goodbye).toBeNull();
      agent.disconnect(round % 2 === 0);
    }
  });

  it('is let in when the first one is silent for dead_after', async () => {
    const [one, other] = [
      await bench.start({ deadAfterMs: 500 }),
      await bench.start({ deadAfterMs: 500 }),
    ];
    const [first, second] = [new ScriptedAgent('web-1'), new ScriptedAgent('web-1')];
    await first.connect(one);
    first.heartbeat = () => {};
    await eventually(async () => {
      await second.connect(other, OTHER);
      return second.goodbye === null;
    }, 'it is let in');
  });

  it('does not get in while the supervisor of the first one stops', async () => {
    const [one, other] = [await bench.start(), await bench.start()];
    const [first, second] = [new ScriptedAgent('web-1'), new ScriptedAgent('web-1')];
    await first.connect(one);
    await one.stop();
    expect(first.goodbye?.reason).toBe('shutdown');
    await second.connect(other, OTHER);
    expect(second.goodbye?.reason).toBe('replaced');
    await first.connect(other);
    expect([first.goodbye, first.epoch]).toEqual([null, 2]);
  });

  it('is told of in the log once, not with each of its tries', async () => {
    const lines: string[] = [];
    const log = createLogger('test', 'warn', (line) => lines.push(line));
    const supervisor = await bench.start({ log });
    await new ScriptedAgent('web-1').connect(supervisor, { facts: { hostname: 'host-1' } });
    for (let tries = 0; tries < 5; tries += 1) {
      await new ScriptedAgent('web-1').connect(supervisor, OTHER);
    }
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('two agents have the same node id: the second is refused');
    for (const word of ['web-1', 'host-1', 'host-2']) expect(lines[0]).toContain(word);
  });
});
