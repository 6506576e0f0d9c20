// Output in the memory of the agent: read from any offset, let go of once it is acknowledged, counted with what was dropped.
import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { AttemptOutput } from './output.ts';
import { MemoryOutput } from './output-source.ts';

function attempt(source: MemoryOutput): AttemptOutput {
  const onCut = () => {
    throw new Error('whoever appends keeps to the cap');
  };
  const acked = { stdout: 0, stderr: 0, result: 0 };
  return new AttemptOutput({ source, capBytes: 100, acked, cut: null, onCut });
}

it('gives every byte from every offset that is not discarded (I5)', () => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 6 }), { maxLength: 8 });
  fc.assert(
    fc.property(pieces, fc.nat(50), fc.nat(50), fc.nat(20), (all, until, from, length) => {
      const source = new MemoryOutput();
      for (const piece of all) source.append('stdout', Buffer.from(piece));
      const whole = Buffer.concat(all);
      expect(source.sizeOf('stdout')).toBe(whole.length);
      const discarded = Math.min(until, whole.length);
      source.discard('stdout', discarded);
      const offset = discarded + from;
      const bytes = Buffer.alloc(length);
      const read = source.read('stdout', offset, bytes);
      const expected = whole.subarray(offset, offset + length);
      expect(bytes.subarray(0, read).equals(expected)).toBe(true);
    }),
  );
});

it('says that there is more, and counts what was dropped but not the result', () => {
  const source = new MemoryOutput();
  const output = attempt(source);
  let grown = 0;
  source.onGrown = () => (grown += 1);
  source.append('stdout', Buffer.from('abc'));
  source.append('stderr', Buffer.from('de'));
  source.append('result', Buffer.alloc(200));
  source.setDropped(7, 1);
  expect([output.refresh(), output.refresh(), grown]).toEqual([true, false, 3]);
  expect(output.countBytes()).toEqual({ stdoutBytes: 10, stderrBytes: 3, droppedBytes: 8 });
  expect(output.sendableBytes('result')).toBe(200);
});
