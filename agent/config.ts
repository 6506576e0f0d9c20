/**
 * The settings of an agent: flags over environment over default, validated once, frozen.
 *
 * Every fault goes into one message. Nothing else in this process reads the environment; what scripts get of it is here too.
 */
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { LogLevel } from '../src/process/log.ts';
import { StartError } from '../src/process/start-error.ts';
import { type Keep, readKeeps } from './kept/keep.ts';

/** What a command line may say. */
export interface AgentFlags {
  /** URL of the supervisor. */
  readonly server?: string | undefined;
  readonly node?: string | undefined;
  /** KEY=VALUE each. */
  readonly label?: readonly string[] | undefined;
  /** NAME=COMMAND or NAME[POLICY]=COMMAND each. */
  readonly keep?: readonly string[] | undefined;
  /** 1 to 1024. Default: two for each core, at least four. */
  readonly slots?: string | number | undefined;
  /** Data folder. Default: the node's id in MUSTER_HOME. */
  readonly data?: string | undefined;
  /** Folders that file actions may work in. MUSTER_ALLOWED_PATHS, separated by colons. Default: everywhere. */
  readonly allowPath?: readonly string[] | undefined;
  /** A module whose functions tasks can call. */
  readonly handlers?: string | undefined;
  /** MiB of heap for each thread of handlers, 16 to 65536. Default 256. */
  readonly handlerMemory?: string | undefined;
  /** MUSTER_LOG_LEVEL, default info. */
  readonly logLevel?: string | undefined;
}

/** Checked settings. */
export interface AgentConfig {
  readonly serverUrl: string;
  readonly nodeId: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly slots: number;
  /** Commands to keep alive. */
  readonly keeps: readonly Keep[];
  /** Absolute. Holds the journal, the node's token and one folder per attempt. */
  readonly dataFolder: string;
  /** Null on a host that has enrolled and is not given it again. */
  readonly agentToken: string | null;
  /** Certificates in PEM to trust besides the system's; null for none. */
  readonly ca: string | null;
  /** Absolute folders that file actions may work in, with all below them; empty for everywhere. */
  readonly allowedPaths: readonly string[];
  readonly logLevel: LogLevel;
  /** URL of the module with handlers; null for none. */
  readonly handlersModule: string | null;
  readonly handlerMemoryMiB: number;
  /** What scripts get: the agent's environment without anything of Muster's. */
  readonly scriptEnvironment: Readonly<Record<string, string>>;
  /** `stdin` when the process is to stop with its parent. */
  readonly parent: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

export const NODE_TOKEN_FILE = 'node.token';

const NODE_ID = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const LABEL_KEY =
  /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;
const MAX_LABELS = 64;
const MAX_SLOTS = 1024;
const MIN_DEFAULT_SLOTS = 4;
const DEFAULT_HANDLER_MIB = 256;
const MIN_HANDLER_MIB = 16;
const MAX_HANDLER_MIB = 65_536;
const LOG_LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent'];

/** Reads and checks all settings. @throws StartError that names every fault */
export function readConfig(flags: AgentFlags, environment: Environment = process.env): AgentConfig {
  const faults: string[] = [];
  const nodeId = readNodeId(flags.node, faults);
  const home = resolve(withHome(environment['MUSTER_HOME'] || '.muster'));
  const dataFolder = flags.data ? resolve(withHome(flags.data)) : join(home, nodeId);
  const config: AgentConfig = {
    serverUrl: readServerUrl(flags.server, faults),
    nodeId,
    labels: readLabels(flags.label ?? [], faults),
    slots: readSlots(flags.slots, faults),
    keeps: readKeeps(flags.keep ?? [], faults),
    dataFolder,
    agentToken: readAgentToken(environment, home, dataFolder, faults),
    ca: readCa(environment['MUSTER_CA_FILE'], faults),
    allowedPaths: readAllowedPaths(flags.allowPath, environment['MUSTER_ALLOWED_PATHS'], faults),
    handlersModule: readHandlers(flags.handlers, faults),
    handlerMemoryMiB: readHandlerMemory(flags.handlerMemory, faults),
    logLevel: readLogLevel(flags.logLevel ?? environment['MUSTER_LOG_LEVEL'], faults),
    scriptEnvironment: Object.freeze(withoutMuster(environment)),
    parent: environment['MUSTER_PARENT'],
  };
  if (faults.length > 0) throw new StartError(`Cannot start the agent: ${faults.join('; also: ')}`);
  return Object.freeze(config);
}

function readNodeId(node: string | undefined, faults: string[]): string {
  if (!node) {
    faults.push('it has no node id; give one with --node');
  } else if (!NODE_ID.test(node)) {
    faults.push(
      `the node id is ${JSON.stringify(node)}; it must be 1 to 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends`,
    );
  }
  return node ?? '';
}

function readServerUrl(server: string | undefined, faults: string[]): string {
  if (!server) {
    faults.push('it has no supervisor; give its URL with --server');
    return '';
  }
  const url = URL.parse(server);
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.username !== '') {
    faults.push(
      `the supervisor's URL is not usable; it must be like https://muster.example:7070, without user or password`,
    );
    return '';
  }
  return url.href.replace(/\/+$/, '');
}

function readLabels(pairs: readonly string[], faults: string[]): Readonly<Record<string, string>> {
  const labels: Record<string, string> = {};
  for (const pair of pairs) {
    const equals = pair.indexOf('=');
    const key = pair.slice(0, equals === -1 ? undefined : equals);
    const value = equals === -1 ? '' : pair.slice(equals + 1);
    if (equals === -1 || !LABEL_KEY.test(key) || !LABEL_VALUE.test(value)) {
      faults.push(`the label ${JSON.stringify(pair)} is not usable; it must be like role=web`);
    }
    labels[key] = value;
  }
  if (Object.keys(labels).length > MAX_LABELS) {
    faults.push(`it has ${Object.keys(labels).length} labels; there can be ${MAX_LABELS}`);
  }
  return Object.freeze(labels);
}

function readSlots(given: string | number | undefined, faults: string[]): number {
  if (given === undefined) return Math.max(2 * availableParallelism(), MIN_DEFAULT_SLOTS);
  const slots = Number(given);
  if (!Number.isInteger(slots) || slots < 1 || slots > MAX_SLOTS) {
    faults.push(`the number of slots is ${given}; it must be 1 to ${MAX_SLOTS}`);
  }
  return slots;
}

function readAgentToken(
  environment: Environment,
  home: string,
  dataFolder: string,
  faults: string[],
): string | null {
  const given = environment['MUSTER_AGENT_TOKEN']?.trim();
  if (given) return given;
  const named = environment['MUSTER_AGENT_TOKEN_FILE'];
  const path = named || join(home, 'agent.token');
  try {
    const token = readFileSync(path, 'utf8').trim();
    if (token === '') faults.push(`the token file ${path} is empty`);
    return token;
  } catch (cause) {
    if (!named && existsSync(join(dataFolder, NODE_TOKEN_FILE))) return null;
    faults.push(
      `the agent token cannot be read: ${(cause as Error).message}; give it in MUSTER_AGENT_TOKEN_FILE or MUSTER_AGENT_TOKEN`,
    );
    return null;
  }
}

function readCa(path: string | undefined, faults: string[]): string | null {
  if (!path) return null;
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    faults.push(`MUSTER_CA_FILE cannot be read: ${(cause as Error).message}`);
    return null;
  }
}

function readAllowedPaths(
  flags: readonly string[] | undefined,
  given: string | undefined,
  faults: string[],
): readonly string[] {
  const paths = flags ?? (given ?? '').split(':').filter((path) => path !== '');
  for (const path of paths) {
    if (!isAbsolute(path)) {
      faults.push(`the allowed path ${JSON.stringify(path)} is not absolute; it must be like /srv`);
    }
  }
  return Object.freeze(paths.map((path) => resolve(path)));
}

function readHandlers(path: string | undefined, faults: string[]): string | null {
  if (!path) return null;
  const file = resolve(withHome(path));
  if (!existsSync(file)) faults.push(`the handlers module ${file} does not exist`);
  return pathToFileURL(file).href;
}

function readHandlerMemory(given: string | undefined, faults: string[]): number {
  const memory = Number(given ?? DEFAULT_HANDLER_MIB);
  if (!Number.isInteger(memory) || memory < MIN_HANDLER_MIB || memory > MAX_HANDLER_MIB) {
    faults.push(
      `the memory of handlers is ${given}; it must be ${MIN_HANDLER_MIB} to ${MAX_HANDLER_MIB}, in MiB`,
    );
  }
  return memory;
}

function readLogLevel(given: string | undefined, faults: string[]): LogLevel {
  const level = (given || 'info') as LogLevel;
  if (!LOG_LEVELS.includes(level)) {
    faults.push(`the log level is ${level}; it must be one of ${LOG_LEVELS.join(', ')}`);
  }
  return level;
}

function withoutMuster(environment: Environment): Record<string, string> {
  const kept = Object.entries(environment).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && !entry[0].toUpperCase().startsWith('MUSTER_'),
  );
  return Object.fromEntries(kept);
}

function withHome(path: string): string {
  return path.startsWith('~/') ? join(homedir(), path.slice(2)) : path;
}
