// Ports that are taken.

import { describe, expect, it } from 'vitest';
import { choosePort } from './port.ts';

const refuse = async () => {
  throw new Error('listen EADDRINUSE: address already in use 127.0.0.1');
};

describe('choosePort', () => {
  it('keeps the preferred port while it is free', async () => {
    expect(await choosePort(4711, async (port) => port)).toBe(4711);
  });

  it('takes any other when it is taken', async () => {
    expect(await choosePort(4711, async (port) => (port === 0 ? 5000 : refuse()))).toBe(5000);
  });

  it('says so when no port at all is free', async () => {
    await expect(choosePort(4711, refuse)).rejects.toMatchObject({
      kind: 'no_port',
      message: expect.stringMatching(
        /^Cannot start PostgreSQL: no TCP port on 127\.0\.0\.1 is free \(listen EADDRINUSE/,
      ),
    });
  });
});
