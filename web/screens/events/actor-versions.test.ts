// What a page names as seen of schedules and nodes when it subscribes again.
import { create } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { ActorsMovedSchema } from '../../../proto/gen/muster/v1/live_service_pb.ts';
import { ActorVersions, FORMER, MAX_NAMED } from './actor-versions.ts';

const BEGINNING = { case: 'actors', value: { former: FORMER } };
const step = (key: string, version: number) => ({ key, transition: { version } });

it('asks for former steps at first, then goes on from all versions that it was told', () => {
  const versions = new ActorVersions();
  expect(versions.topic()).toEqual(BEGINNING);
  const first = create(ActorsMovedSchema, {
    transitions: [step('a', 3)],
    versions: [
      { key: 'a', version: 3 },
      { key: 'b', version: 7 },
    ],
  });
  expect(versions.take(first).isFormer).toBe(true);
  const next = create(ActorsMovedSchema, { transitions: [step('a', 4), step('c', 1)] });
  expect(versions.take(next)).toEqual({ transitions: next.transitions, isFormer: false });
  const actors = [
    { key: 'a', version: 4 },
    { key: 'b', version: 7 },
    { key: 'c', version: 1 },
  ];
  expect(versions.topic()).toEqual({ case: 'actors', value: { seen: { actors } } });
});

it('goes on from nothing where there is nothing yet', () => {
  const versions = new ActorVersions();
  versions.take(create(ActorsMovedSchema));
  expect(versions.topic()).toEqual({ case: 'actors', value: { seen: { actors: [] } } });
});

it('begins anew where there are more than it may name', () => {
  const versions = new ActorVersions();
  const many = Array.from({ length: MAX_NAMED + 1 }, (_, n) => ({ key: `${n}`, version: 1 }));
  versions.take(create(ActorsMovedSchema, { versions: many }));
  expect(versions.topic()).toEqual(BEGINNING);
  expect(versions.take(create(ActorsMovedSchema)).isFormer).toBe(true);
});
