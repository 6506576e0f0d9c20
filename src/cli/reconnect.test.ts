// A call goes on while its supervisor restarts, and ends when it should.
import { Code, ConnectError } from '@connectrpc/connect';
import { expect, test } from 'vitest';
import { isConnectionLost } from './explain.ts';
import { Reconnect } from './reconnect.ts';
import { refusal } from './testing/scripted-supervisor.ts';

const LOST = new ConnectError('lost', Code.Unavailable);
const REFUSED = new ConnectError(
  'connect',
  Code.Unavailable,
  undefined,
  undefined,
  Object.assign(new Error('x'), { code: 'ECONNREFUSED' }),
);

function create() {
  const said: string[] = [];
  const waits: number[] = [];
  let nowMs = 0;
  const reconnect = new Reconnect(
    { url: 'http://x', explain: (error) => error.rawMessage },
    {
      nowMs: () => nowMs,
      random: () => 1,
      sleep: async (ms, signal) => {
        signal?.throwIfAborted();
        waits.push(ms);
        nowMs += ms;
      },
      say: async (message) => {
        said.push(message);
      },
    },
  );
  return { reconnect, said, waits };
}

/** Throws these errors one after the other, then returns. */
function failing(...errors: Error[]): () => Promise<string> {
  return async () => {
    const error = errors.shift();
    if (error !== undefined) throw error;
    return 'done';
  };
}

test('it calls again with growing waits, and says so once', async () => {
  const { reconnect, said, waits } = create();
  reconnect.progressed();
  expect(await reconnect.run(failing(LOST, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED))).toBe(
    'done',
  );
  expect(await reconnect.run(failing(LOST))).toBe('done');
  expect(waits).toEqual([200, 400, 800, 1600, 3200, 5000, 200]);
  expect(said).toEqual(['lost; connecting again']);
});

test('nobody at the address from the beginning is a failure at once', async () => {
  const { reconnect, waits } = create();
  await expect(reconnect.run(failing(REFUSED))).rejects.toBe(REFUSED);
  expect(waits).toEqual([]);
});

test('what the supervisor refuses is a failure at once', async () => {
  const { reconnect } = create();
  const refused = refusal('internal', Code.Internal, 'a defect');
  await expect(reconnect.run(failing(refused))).rejects.toBe(refused);
});

test('after ten minutes without an answer it gives up', async () => {
  const { reconnect } = create();
  reconnect.progressed();
  const forever = async () => {
    throw LOST;
  };
  await expect(reconnect.run(forever)).rejects.toThrow('gave up after 10 minutes: lost');
});

test('a signal ends the waiting', async () => {
  const { reconnect } = create();
  reconnect.progressed();
  const leaving = new AbortController();
  const call = async () => {
    leaving.abort(new Error('left'));
    throw LOST;
  };
  await expect(reconnect.run(call, leaving.signal)).rejects.toThrow('left');
});

test.each([
  ['the supervisor is stopping', refusal('unavailable', Code.Unavailable, 'stopping'), true],
  [
    'a broken stream',
    new ConnectError('http/2 stream closed with error code CANCEL (0x8)', Code.Canceled),
    true,
  ],
  [
    'a stream without its end',
    new ConnectError('missing EndStreamResponse', Code.InvalidArgument),
    true,
  ],
  ['a call without an answer', new ConnectError('timed out', Code.DeadlineExceeded), true],
  ['a conflict', refusal('conflict', Code.Aborted, 'raced'), false],
  ['a bad value', refusal('invalid_argument', Code.InvalidArgument, 'bad'), false],
  ['another server', new ConnectError('HTTP 404', Code.Unimplemented), false],
])('%s is told from a lost connection', (_name, error, isLost) => {
  expect(isConnectionLost(error)).toBe(isLost);
});
