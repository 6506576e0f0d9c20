// What NodeService may ask of the supervisor about nodes, on a real database.

import { expect, it } from 'vitest';
import { MAX_SERVER_LABELS } from '../../db/node-labels.ts';
import { openNodeSession } from '../../db/nodes.ts';
import { kindOf, useBench } from './testing/test-bench.ts';

const bench = useBench();

it('gives labels to a node whichever supervisor is asked, and says why it cannot', async () => {
  const [one, other] = [await bench.start(), await bench.start()];
  const opening = { nodeId: 'web-1', bootId: 'b', facts: {}, slots: 1, supervisorId: 's' };
  await openNodeSession(bench.sql, { ...opening, labels: { zone: 'east' } });
  const set = { zone: 'west', role: 'web' };
  expect((await one.nodes.updateLabels('web-1', { set, remove: [] })).labels).toEqual(set);
  const after = await other.nodes.updateLabels('web-1', { set: {}, remove: ['zone'] });
  expect(after).toMatchObject({
    labels: { zone: 'east', role: 'web' },
    serverLabels: { role: 'web' },
  });
  expect(await one.nodes.get('web-1')).toEqual(after);

  const keys = Array.from({ length: MAX_SERVER_LABELS }, (_, index) => [`k${index}`, '']);
  const tooMany = { set: Object.fromEntries(keys) as Record<string, string>, remove: [] };
  await expect(one.nodes.updateLabels('web-1', tooMany)).rejects.toMatchObject({
    kind: 'resource_exhausted',
    message:
      'Cannot update node web-1: it has 1 labels of the server, and would have more than 64; remove some of them first',
  });
  expect(await kindOf(one.nodes.updateLabels('nobody', { set, remove: [] }))).toBe('unknown_node');
});
