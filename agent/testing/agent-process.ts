/**
 * An agent as a process of its own, for tests that kill it. Run with the flags of `./muster agent`; see restart.test.ts.
 */
import { parseArgs } from 'node:util';
import { stopSignal } from '../../src/process/signals.ts';
import { readConfig } from '../config.ts';
import { runAgent } from '../main.ts';

const { values } = parseArgs({
  options: {
    server: { type: 'string' },
    node: { type: 'string' },
    slots: { type: 'string' },
    data: { type: 'string' },
    keep: { type: 'string', multiple: true },
    handlers: { type: 'string' },
  },
});

try {
  await runAgent(readConfig(values), { signal: stopSignal() });
  process.exit(0);
} catch (cause) {
  process.stderr.write(`${(cause as Error).message}\n`);
  process.exit(1);
}
