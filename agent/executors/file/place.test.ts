// Where a file is, while others change the way to it.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Place } from './place.ts';

let home: string;
let inside: string;
let outside: string;

beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'muster-place-')));
  inside = join(home, 'inside');
  outside = join(home, 'outside');
  for (const folder of [inside, outside]) mkdirSync(folder);
});

afterEach(() => rmSync(home, { recursive: true, force: true }));

const fence = () => ({ nodeId: 'web-1', allowedPaths: [inside] });

it.runIf(platform() === 'linux')(
  'stays in the folder that was checked when a link takes its place',
  () => {
    mkdirSync(join(inside, 'a'));
    const place = Place.open(join(inside, 'a', 'x'), fence());
    renameSync(join(inside, 'a'), join(inside, 'b'));
    symlinkSync(outside, join(inside, 'a'));
    writeFileSync(place.at(), '');
    place.sync();
    expect(place.look()?.isFile()).toBe(true);
    place.close();
    expect([readdirSync(outside), readdirSync(join(inside, 'b'))]).toEqual([[], ['x']]);
  },
);

it('makes no folder behind a link that leads nowhere yet', () => {
  symlinkSync(join(outside, 'new'), join(inside, 'way'));
  expect(() => Place.open(join(inside, 'way', 'sub', 'x'), fence(), true)).toThrow('ENOTDIR');
  mkdirSync(join(outside, 'new'));
  expect(() => Place.open(join(inside, 'way', 'sub', 'x'), fence(), true)).toThrow(
    `it leads to ${join(outside, 'new', 'sub', 'x')}, and node web-1 allows files only in ${inside}`,
  );
  expect(readdirSync(join(outside, 'new'))).toEqual([]);
});

it('makes each missing folder, and takes those that are there', () => {
  mkdirSync(join(inside, 'a'));
  Place.open(join(inside, 'a', 'b', 'c', 'x'), fence(), true).close();
  Place.open(join(inside, 'a', 'b', 'c', 'x'), fence(), true).close();
  expect(existsSync(join(inside, 'a', 'b', 'c'))).toBe(true);
});

it('says what is on the way instead of a folder', () => {
  writeFileSync(join(inside, 'file'), '');
  expect(() => Place.open(join(inside, 'file', 'x'), fence())).toThrow('ENOTDIR');
  expect(() => Place.open(join(inside, 'none', 'x'), fence())).toThrow(
    `there is no folder ${join(inside, 'none')}`,
  );
});

it('may be anywhere without a fence, the top included', () => {
  const place = Place.open('/x', { nodeId: 'web-1', allowedPaths: [] });
  expect(place.name).toBe('x');
  place.close();
  Place.open(join(home, 'x'), { nodeId: 'web-1', allowedPaths: ['/'] }).close();
});
