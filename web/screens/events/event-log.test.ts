// The log of transitions: newest first, bounded, held while one reads.
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from 'vitest';
import { ActorKind, ActorTransitionSchema } from '../../../proto/gen/muster/v1/live_service_pb.ts';
import { TaskSchema, TaskType, TransitionSchema } from '../../../proto/gen/muster/v1/task_pb.ts';
import {
  type Entry,
  entryOf,
  entryOfActor,
  EventLog,
  type EventFilter,
  isMatching,
  jsonLines,
  MAX_ENTRIES,
} from './event-log.ts';

const ALL: EventFilter = { kind: '', event: '', from: '', to: '', type: '', node: '', text: '' };
const entry = (version: number, other: Partial<Entry> = {}): Entry => ({
  key: `t ${version}`,
  at: version * 1000,
  kind: 'task',
  id: 't',
  name: 'deploy web',
  type: 'script',
  nodeId: 'web-1',
  version,
  attempt: 1,
  event: 'attempt.started',
  from: 'running.dispatched',
  to: 'running.executing',
  ...other,
});
const versions = (log: EventLog, filter: EventFilter = ALL) =>
  log.shown(filter).map(({ version }) => version);

describe('the log of transitions', () => {
  it('has the newest first, and each once', () => {
    const log = new EventLog();
    for (const version of [1, 2, 2, 3]) log.add(entry(version));
    log.addFormer([entry(0), entry(1)]);
    expect(versions(log)).toEqual([3, 2, 1, 0]);
  });

  it('is in the order of time, whatever comes first', () => {
    const log = new EventLog();
    log.add(entry(5));
    log.addFormer([entry(1), entry(7)]);
    log.add(entry(6));
    expect(versions(log)).toEqual([7, 6, 5, 1]);
    log.hold();
    log.add(entry(9));
    log.add(entry(3));
    log.add(entry(8));
    expect(versions(log)).toEqual([7, 6, 5, 1]);
    log.goOn();
    expect(versions(log)).toEqual([9, 8, 7, 6, 5, 3, 1]);
  });

  it('is bounded', () => {
    const log = new EventLog();
    for (let version = 1; version <= MAX_ENTRIES * 3; version += 1) log.add(entry(version));
    const shown = versions(log);
    expect(shown).toHaveLength(MAX_ENTRIES);
    expect(shown[0]).toBe(MAX_ENTRIES * 3);
  });

  it('shows nothing new while it is held, and counts it', () => {
    const log = new EventLog();
    log.add(entry(1));
    log.hold();
    log.add(entry(2));
    log.add(entry(3));
    expect(versions(log)).toEqual([1]);
    expect(log.newCount(ALL)).toBe(2);
    expect(log.newCount({ ...ALL, event: 'cancel' })).toBe(0);
    log.goOn();
    expect(versions(log)).toEqual([3, 2, 1]);
    expect(log.newCount(ALL)).toBe(0);
  });

  it('keeps what one reads while it is held, however much comes', () => {
    const log = new EventLog();
    log.add(entry(1));
    log.hold();
    for (let version = 2; version <= MAX_ENTRIES * 2; version += 1) log.add(entry(version));
    expect(versions(log)).toEqual([1]);
    log.goOn();
    expect(versions(log)).toHaveLength(MAX_ENTRIES);
  });

  it('filters by kind, event, states and what is in them, type, node and text', () => {
    const one = entry(1);
    const holds = (filter: Partial<EventFilter>) => isMatching({ ...ALL, ...filter }, one);
    expect(holds({ event: 'attempt.started', to: 'running', node: 'web-1' })).toBe(true);
    expect(holds({ to: 'running.executing', type: 'script', text: 'DEPLOY' })).toBe(true);
    expect(holds({ to: 'run' })).toBe(false);
    expect(holds({ from: 'pending' })).toBe(false);
    expect(holds({ type: 'file' })).toBe(false);
    expect(holds({ text: 'backup' })).toBe(false);
    expect(holds({ kind: 'task' })).toBe(true);
    expect(holds({ kind: 'fan-out' })).toBe(false);
  });

  it('names the last versions of the tasks that changed last', () => {
    const log = new EventLog();
    for (const version of [1, 2, 3]) log.add(entry(version));
    log.add(entry(4, { key: 'u 1', id: 'u', version: 1 }));
    log.add(entry(5, { key: 's 1', id: 's', kind: 'schedule' }));
    expect(log.lastVersions(10)).toEqual([
      { id: 'u', version: 1 },
      { id: 't', version: 3 },
    ]);
    expect(log.lastVersions(1)).toHaveLength(1);
  });

  it('becomes lines of JSON', () => {
    const [line = ''] = jsonLines([entry(1)]).split('\n');
    expect(JSON.parse(line)).toMatchObject({
      at: '1970-01-01T00:00:01.000Z',
      kind: 'task',
      version: 1,
    });
    expect(JSON.parse(line)).not.toHaveProperty('key');
  });

  it('has the node that the event names, or that of the task at this attempt', () => {
    const task = create(TaskSchema, { id: 'a', nodeId: 'x', attempt: 2 });
    const nodeOf = (event: Record<string, string>, attempt: number) =>
      entryOf(task, create(TransitionSchema, { event, attempt })).nodeId;
    expect(nodeOf({ nodeId: 'y' }, 1)).toBe('y');
    expect(nodeOf({}, 1)).toBe('');
    expect(nodeOf({}, 2)).toBe('x');
  });

  it('reads a transition', () => {
    const task = create(TaskSchema, { id: 'a', name: 'n', type: TaskType.FAN_OUT, nodeId: 'x' });
    const transition = create(TransitionSchema, {
      version: 4,
      eventType: 'cancel',
      toState: 'cancelled',
      at: timestampFromMs(5),
    });
    expect(entryOf(task, transition)).toMatchObject({
      key: 'a 4',
      at: 5,
      kind: 'fan-out',
      type: 'fan_out',
      event: 'cancel',
      from: '',
      to: 'cancelled',
    });
  });

  it('reads a transition of a schedule and of a node', () => {
    const transition = { version: 2, eventType: 'pause.requested', fromState: 'active' };
    const read = (kind: ActorKind, key: string, id: string, name: string) =>
      entryOfActor(create(ActorTransitionSchema, { kind, key, id, name, transition }));
    const schedule = read(ActorKind.SCHEDULE, 'x', 'x', 'nightly');
    expect(schedule).toMatchObject({ key: 'x 2', kind: 'schedule', name: 'nightly', nodeId: '' });
    const node = read(ActorKind.NODE, 'web-1@5', 'web-1', 'web-1');
    expect(node).toMatchObject({ key: 'web-1@5 2', kind: 'node', nodeId: 'web-1', from: 'active' });
    expect(read(ActorKind.UNSPECIFIED, 'x', 'x', '')).toBeNull();
  });
});
