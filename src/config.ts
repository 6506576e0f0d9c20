/**
 * The settings of a supervisor: flags over environment over file over default, validated once, frozen.
 *
 * The file is `supervisor.json` in the data folder, with the names below as keys. Every fault goes into one message. Nothing
 * else in this process reads the environment.
 */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { LogLevel } from './process/log.ts';
import { StartError } from './process/start-error.ts';
import type { TokenSource } from './process/tokens.ts';

const DEFAULT_LISTEN = '127.0.0.1:7070';
const LOG_LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent'];

/** What a command line may say. Absent means: as the environment, the file or the default has it. */
export interface SupervisorFlags {
  /** Data folder. MUSTER_HOME, default `.muster` in the working folder. */
  readonly home?: string | undefined;
  /** HOST:PORT. MUSTER_LISTEN, default 127.0.0.1:7070. */
  readonly listen?: string | undefined;
  /** Overrides the port of `listen`. 0 lets the system choose. */
  readonly port?: string | number | undefined;
  /** MUSTER_DATABASE_URL or MUSTER_DATABASE_URL_FILE. */
  readonly databaseUrl?: string | undefined;
  /** PEM files. MUSTER_TLS_CERT and MUSTER_TLS_KEY. */
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  /** Allows a listen address without TLS that others can reach. MUSTER_INSECURE_LISTEN=1. */
  readonly insecureListen?: boolean | undefined;
  /** MUSTER_LOG_LEVEL, default info. */
  readonly logLevel?: string | undefined;
  /** `30d`, `12h` or `forever`: how long a task is kept after its end. MUSTER_KEEP_TASKS, default 30d. */
  readonly keepTasks?: string | undefined;
  /** The same for the output and the history of a task. MUSTER_KEEP_OUTPUT, MUSTER_KEEP_HISTORY, default: as long as the task. */
  readonly keepOutput?: string | undefined;
  readonly keepHistory?: string | undefined;
  /** How long a task is counted, from its creation. MUSTER_KEEP_STATISTICS, default 400d. */
  readonly keepStatistics?: string | undefined;
  /** `500MiB`, `20GiB`, or `none`: output of all tasks together. MUSTER_OUTPUT_MAX_BYTES, default none. */
  readonly outputMaxBytes?: string | undefined;
}

/** Checked settings. */
export interface SupervisorConfig {
  readonly home: string;
  readonly host: string;
  readonly port: number;
  readonly databaseUrl: string;
  /** The contents of the PEM files; null for none. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  readonly logLevel: LogLevel;
  /** Null for ever. */
  readonly keepTasksMs: number | null;
  readonly keepOutputMs: number | null;
  readonly keepHistoryMs: number | null;
  readonly keepStatisticsMs: number | null;
  /** Null for no bound. */
  readonly maxOutputBytes: number | null;
  readonly userToken: TokenSource;
  readonly agentToken: TokenSource;
  /** `stdin` when the process is to stop with its parent. */
  readonly parent: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;
type Setting = Exclude<keyof SupervisorFlags, 'home'>;
type Settings = Readonly<Partial<Record<Setting, string | number | boolean>>>;

const VARIABLES: Readonly<Record<Setting, string | null>> = {
  listen: 'MUSTER_LISTEN',
  port: null,
  databaseUrl: 'MUSTER_DATABASE_URL',
  tlsCert: 'MUSTER_TLS_CERT',
  tlsKey: 'MUSTER_TLS_KEY',
  insecureListen: 'MUSTER_INSECURE_LISTEN',
  logLevel: 'MUSTER_LOG_LEVEL',
  keepTasks: 'MUSTER_KEEP_TASKS',
  keepOutput: 'MUSTER_KEEP_OUTPUT',
  keepHistory: 'MUSTER_KEEP_HISTORY',
  keepStatistics: 'MUSTER_KEEP_STATISTICS',
  outputMaxBytes: 'MUSTER_OUTPUT_MAX_BYTES',
};

/** Reads and checks all settings. @throws StartError that names every fault */
export function readConfig(
  flags: SupervisorFlags,
  environment: Environment = process.env,
): SupervisorConfig {
  const faults: string[] = [];
  const home = homeOf(flags, environment);
  const file = readSettings(join(home, 'supervisor.json'), faults);
  const setting = (name: Setting): string => {
    const variable = VARIABLES[name];
    const given =
      flags[name] ?? (variable === null ? undefined : environment[variable] || undefined);
    return String(given ?? file[name] ?? '');
  };
  const { host, port } = readListen(setting('listen') || DEFAULT_LISTEN, setting('port'), faults);
  const tls = readTls(setting('tlsCert'), setting('tlsKey'), faults);
  const isInsecure = ['1', 'true', 'yes'].includes(setting('insecureListen'));
  if (tls === null && !isLoopback(host) && !isInsecure) {
    faults.push(
      `${host} can be reached by others and there is no TLS; give --tls-cert and --tls-key, listen on 127.0.0.1, or allow it with --insecure-listen`,
    );
  }
  const logLevel = (setting('logLevel') || 'info') as LogLevel;
  if (!LOG_LEVELS.includes(logLevel)) {
    faults.push(`the log level is ${logLevel}; it must be one of ${LOG_LEVELS.join(', ')}`);
  }
  const retention = readRetention(setting, faults);
  const databaseUrl = readDatabaseUrl(setting('databaseUrl'), environment, faults);
  if (faults.length > 0) {
    throw new StartError(`Cannot start the supervisor: ${faults.join('; also: ')}`);
  }
  return Object.freeze({
    home,
    host,
    port,
    databaseUrl,
    tls,
    logLevel,
    ...retention,
    userToken: tokenSource('MUSTER_TOKEN', join(home, 'token'), environment),
    agentToken: tokenSource('MUSTER_AGENT_TOKEN', join(home, 'agent.token'), environment),
    parent: environment['MUSTER_PARENT'],
  });
}

/** Tells whether only this machine can reach an address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function homeOf(flags: SupervisorFlags, environment: Environment): string {
  const home = flags.home ?? (environment['MUSTER_HOME'] || '.muster');
  return resolve(home.startsWith('~/') ? join(homedir(), home.slice(2)) : home);
}

function readSettings(path: string, faults: string[]): Settings {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') faults.push(`${path} cannot be read: ${message}`);
    return {};
  }
  try {
    const settings = JSON.parse(text) as Settings;
    const unknown = Object.keys(settings).filter((key) => !(key in VARIABLES));
    for (const key of unknown) {
      faults.push(`${path} has ${key}; the settings are ${Object.keys(VARIABLES).join(', ')}`);
    }
    return settings;
  } catch (cause) {
    faults.push(`${path} is no JSON object: ${(cause as Error).message}`);
    return {};
  }
}

function readListen(
  listen: string,
  portFlag: string,
  faults: string[],
): { host: string; port: number } {
  const parts = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):)?(\d+)$/.exec(listen);
  const host = parts?.[1] ?? parts?.[2] ?? '127.0.0.1';
  if (parts === null) {
    faults.push(
      `the listen address is ${listen}; it must be HOST:PORT, for example ${DEFAULT_LISTEN}`,
    );
  }
  const port = portFlag === '' ? Number(parts?.[3] ?? 0) : Number(portFlag);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    faults.push(`the port is ${portFlag || parts?.[3]}; it must be from 0 to 65535`);
  }
  return { host, port };
}

function readTls(certPath: string, keyPath: string, faults: string[]): SupervisorConfig['tls'] {
  if (certPath === '' && keyPath === '') return null;
  if (certPath === '' || keyPath === '') {
    const missing = certPath === '' ? 'certificate (--tls-cert)' : 'key (--tls-key)';
    faults.push(`the ${missing} is missing; TLS takes both files`);
    return null;
  }
  const read = (path: string) => {
    try {
      return readFileSync(path, 'utf8');
    } catch (cause) {
      faults.push(`${path} cannot be read: ${(cause as Error).message}`);
      return '';
    }
  };
  return { cert: read(certPath), key: read(keyPath) };
}

/** Its value never gets into a message: it may hold a password. */
function readDatabaseUrl(given: string, environment: Environment, faults: string[]): string {
  const path = environment['MUSTER_DATABASE_URL_FILE'] ?? '';
  if (given === '' && path !== '') {
    try {
      const url = readFileSync(path, 'utf8').trim();
      if (url !== '') return url;
      faults.push(`${path} (MUSTER_DATABASE_URL_FILE) is empty`);
    } catch (cause) {
      faults.push(`${path} cannot be read: ${(cause as Error).message}`);
    }
    return '';
  }
  if (given === '') {
    faults.push(
      'there is no database; set MUSTER_DATABASE_URL or MUSTER_DATABASE_URL_FILE, or use ./muster up, which brings its own',
    );
  }
  return given;
}

function readRetention(setting: (name: Setting) => string, faults: string[]) {
  const keepTasks = setting('keepTasks') || '30d';
  return {
    keepTasksMs: readAge('tasks are', keepTasks, faults),
    keepOutputMs: readAge('output is', setting('keepOutput') || 'forever', faults),
    keepHistoryMs: readAge('history is', setting('keepHistory') || 'forever', faults),
    keepStatisticsMs: readAge('statistics are', setting('keepStatistics') || '400d', faults),
    maxOutputBytes: readMaxBytes(setting('outputMaxBytes') || 'none', faults),
  };
}

function readAge(what: string, given: string, faults: string[]): number | null {
  if (given === 'forever') return null;
  const [, count, unit] = /^([1-9]\d{0,4})(h|d)$/.exec(given) ?? [];
  if (count === undefined) {
    faults.push(
      `${what} to be kept for ${given}; it must be hours or days, such as 12h or 30d, or forever`,
    );
    return null;
  }
  return Number(count) * (unit === 'h' ? 3_600_000 : 86_400_000);
}

const UNITS: Readonly<Record<string, number>> = { MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };

function readMaxBytes(given: string, faults: string[]): number | null {
  if (given === 'none') return null;
  const [, count, unit = ''] = /^([1-9]\d{0,5})(MiB|GiB|TiB)$/.exec(given) ?? [];
  if (count === undefined) {
    faults.push(
      `the output of all tasks may take ${given}; it must be a whole number of MiB, GiB or TiB, such as 20GiB, or none`,
    );
    return null;
  }
  return Number(count) * (UNITS[unit] ?? 1);
}

function tokenSource(variable: string, ownPath: string, environment: Environment): TokenSource {
  const value = environment[variable];
  if (value !== undefined && value !== '') return { kind: 'value', value, name: variable };
  const path = environment[`${variable}_FILE`];
  if (path !== undefined && path !== '') return { kind: 'file', path };
  return { kind: 'own_file', path: ownPath };
}
