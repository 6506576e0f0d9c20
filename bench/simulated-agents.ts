/**
 * A process with many simulated agents: `simulated-agents.ts URL HOME COUNT SLOTS WORK_MS EXIT_CODE`.
 *
 * Started by the benchmarks through muster.ts. Prints `ready` when all are connected, then `done N` with the number of attempts
 * whose ends are committed, at most every few milliseconds. Ends with its standard input.
 */
import { readAgentToken, SimulatedAgent } from './simulated-agent.ts';

const TELL_EVERY_MS = 5;
/** Sessions opened at once. */
const OPENING = 20;

const [url = '', home = '', count = '1', slots = '4', workMs = '1', exitCode = '0'] =
  process.argv.slice(2);
const agentToken = await readAgentToken(home);
let done = 0;
let isTelling = false;

function onForgotten(forgotten: number): void {
  done += forgotten;
  if (isTelling) return;
  isTelling = true;
  setTimeout(() => {
    isTelling = false;
    console.log(`done ${done}`);
  }, TELL_EVERY_MS);
}

process.stdin.resume().once('end', () => process.exit(0));
const numbers = Array.from({ length: Number(count) }, (_, index) => index + 1);
const open = async () => {
  for (let number = numbers.shift(); number !== undefined; number = numbers.shift()) {
    const nodeId = `simulated-${number}`;
    const agent = new SimulatedAgent({
      url,
      agentToken,
      nodeId,
      slots: Number(slots),
      workMs: Number(workMs),
      exitCode: Number(exitCode),
      onForgotten,
    });
    await agent.connect((why) => {
      console.error(`${nodeId}: ${why}`);
      process.exit(1);
    });
  }
};
await Promise.all(Array.from({ length: OPENING }, open));
console.log('ready');
