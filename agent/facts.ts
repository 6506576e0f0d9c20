/**
 * What the agent finds out about its host, and the name of this boot. Called once at the start by main.ts.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  arch,
  availableParallelism,
  hostname,
  networkInterfaces,
  platform,
  release,
  totalmem,
} from 'node:os';
import { create } from '@bufbuild/protobuf';
import { type NodeFacts, NodeFactsSchema } from '../proto/gen/muster/v1/node_pb.ts';
import { runtimeName, runtimeVersion } from '../src/process/runtime.ts';
import { StartError } from '../src/process/start-error.ts';
import { VERSION } from '../src/process/version.ts';

/** More addresses than a host has that anybody looks at. */
const MAX_ADDRESSES = 32;

/** @param handlers the names that tasks can call here */
export function readFacts(handlers: readonly string[]): NodeFacts {
  const addresses = Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .filter(({ internal }) => !internal)
    .map(({ address }) => address);
  return create(NodeFactsSchema, {
    hostname: hostname(),
    addresses: [...new Set(addresses)].slice(0, MAX_ADDRESSES),
    os: platform(),
    osRelease: release(),
    arch: arch(),
    cores: availableParallelism(),
    memoryBytes: BigInt(totalmem()),
    agentVersion: VERSION,
    runtime: runtimeName(),
    runtimeVersion: runtimeVersion(),
    handlers: [...handlers],
  });
}

/**
 * Names one boot of this host with one journal: another boot, or a journal made anew, has another name. What was dispatched to
 * one and is not held by it is lost for good.
 *
 * @throws StartError where the kernel does not tell its boots apart
 */
export function bootIdOf(journalId: string): string {
  return createHash('sha256').update(`${readKernelBootId()} ${journalId}`).digest('hex');
}

function readKernelBootId(): string {
  try {
    return platform() === 'darwin'
      ? execFileSync('sysctl', ['-n', 'kern.bootsessionuuid'], { encoding: 'utf8' }).trim()
      : readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch (cause) {
    throw new StartError(
      'Cannot tell the boots of this host apart: an agent runs on Linux, with /proc mounted, and on macOS',
      { cause },
    );
  }
}
