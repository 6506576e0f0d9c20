/** The hub between commits and watchers. */
import { describe, expect, it } from 'vitest';
import type { TaskRecord } from '../../db/records.ts';
import { Changes } from './changes.ts';

const change = (id: string) => ({
  record: { id } as TaskRecord,
  transitions: [],
  isDeleted: false,
});

describe('the hub of changes', () => {
  it('tells those who watch all and those who watch this task, until they leave', () => {
    const changes = new Changes();
    const heard: string[] = [];
    const ends = [
      changes.onAny(({ record }) => heard.push(`any ${record.id}`)),
      changes.onTask('a', () => heard.push('a')),
      changes.onTask('a', () => heard.push('a too')),
    ];
    changes.publish(change('a'));
    changes.publish(change('b'));
    expect(heard).toEqual(['any a', 'a', 'a too', 'any b']);
    expect(changes.watchedTaskIds).toEqual(['a']);
    for (const end of ends) end();
    for (const end of ends) end();
    changes.publish(change('a'));
    expect(heard).toHaveLength(4);
    expect([changes.watchedTaskIds, changes.hasGeneralListeners]).toEqual([[], false]);
  });

  it('lets a listener leave or come while it is told', () => {
    const changes = new Changes();
    const heard: string[] = [];
    const end = changes.onTask('a', () => {
      heard.push('first');
      end();
      changes.onTask('a', () => heard.push('second'));
    });
    changes.publish(change('a'));
    changes.publish(change('a'));
    expect(heard.filter((name) => name === 'first')).toHaveLength(1);
    expect(heard).toContain('second');
  });

  it('tells of output and of what was missed', () => {
    const changes = new Changes();
    const heard: string[] = [];
    const ends = [
      changes.onOutput('a', () => heard.push('output')),
      changes.onMissed(() => heard.push('missed')),
    ];
    changes.outputArrived('a');
    changes.outputArrived('b');
    changes.missed();
    expect(heard).toEqual(['output', 'missed']);
    expect(changes.tailedTaskIds).toEqual(['a']);
    for (const end of ends) end();
    expect(changes.tailedTaskIds).toEqual([]);
  });
});
