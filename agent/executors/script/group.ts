/**
 * The process group of one script, as the agent sees it: one that it has just started, or one that it found again.
 *
 * The group's leader is the parent in shim.sh, which keeps the record in the attempt's folder. Made by the script executor.
 */
import { constants } from 'node:os';
import type { Clock } from '../../../src/process/clock.ts';
import type { ExitRecord, ProcessGroup } from '../executor.ts';
import {
  isGroupKnown,
  isLiveMember,
  listGroup,
  readCommandLine,
  signalGroup,
} from '../process-table.ts';
import { readRecord } from './record.ts';
import type { StartedShim } from './start-shim.ts';

/** How often a group is looked at whose end nobody tells. */
const LOOK_INTERVAL_MS = 50;

/** Shells report the end by signal n as exit code 128 + n. */
const SIGNAL_BASE = 128;

const SIGNAL_NAMES = new Map(
  Object.entries(constants.signals).map(([name, number]) => [number, name]),
);

export class ScriptGroup implements ProcessGroup {
  readonly pid: number;
  readonly ended: Promise<void>;
  readonly #folder: string;
  readonly #leader: Leader;
  /** Those who were alive at the last look at the process table. */
  #members: number[] = [];

  private constructor(pid: number, folder: string, ended: Promise<void>, leader: Leader) {
    this.pid = pid;
    this.#folder = folder;
    this.ended = ended;
    this.#leader = leader;
  }

  /** Takes on a shim that this agent has started. */
  static started(shim: StartedShim, folder: string, clock: Clock): ScriptGroup {
    let status: number | null = null;
    const found = () => ScriptGroup.found(shim.pid, folder, clock);
    const ended = shim.ended.then((told) => {
      status = told;
      // Whoever was to tell has died; from here on it is a group like any that is found.
      return told === null ? found().ended : undefined;
    });
    const leader: Leader = {
      hasEnded: () => status !== null || !isLeader(shim.pid, folder),
      isPidReused: () => false,
      killedBy: () => (status === null ? null : (SIGNAL_NAMES.get(status - SIGNAL_BASE) ?? null)),
    };
    return new ScriptGroup(shim.pid, folder, ended, leader);
  }

  /** Takes on what another process of the agent has started; it may be over. */
  static found(pid: number, folder: string, clock: Clock): ScriptGroup {
    const hasEnded = () => !isLeader(pid, folder);
    const isPidReused = () => readCommandLine(pid)?.includes(folder) === false;
    const ended = new Promise<void>((resolve) => {
      const look = () => {
        if (hasEnded()) resolve();
        else clock.after(LOOK_INTERVAL_MS, look);
      };
      look();
    });
    return new ScriptGroup(pid, folder, ended, {
      hasEnded,
      isPidReused,
      killedBy: () => null,
    });
  }

  hasEnded(): boolean {
    return this.#leader.hasEnded();
  }

  isEmpty(): boolean {
    if (!isGroupKnown(this.pid)) return true;
    // A pid is given away only when no group has its number any more.
    if (this.#leader.isPidReused()) return true;
    // Reading the whole table is dear: again only when everybody who was there is gone.
    if (this.#members.some((pid) => isLiveMember(pid, this.pid))) return false;
    this.#members = listGroup(this.pid);
    return this.#members.length === 0;
  }

  signal(name: 'SIGTERM' | 'SIGKILL'): void {
    signalGroup(this.pid, name);
    // A stopped process takes SIGTERM only when it goes on.
    if (name === 'SIGTERM') signalGroup(this.pid, 'SIGCONT');
  }

  readExit(): ExitRecord | null {
    const record = readRecord(this.#folder);
    const status = record?.status ?? null;
    if (record !== null && status !== null) {
      const signal = SIGNAL_NAMES.get(status - SIGNAL_BASE) ?? null;
      return { exitCode: status, signal, exitedAt: record.writtenAt };
    }
    const signal = this.#leader.killedBy();
    if (signal === null) return null;
    const number = constants.signals[signal as NodeJS.Signals];
    return { exitCode: SIGNAL_BASE + number, signal, exitedAt: null };
  }
}

/** What the agent knows of the group's leader by other means than the exit record. */
interface Leader {
  hasEnded(): boolean;
  /** Another process has its pid now. */
  isPidReused(): boolean;
  /** The signal that ended the leader itself, if anybody saw one. */
  killedBy(): string | null;
}

/** A pid may be used again; the command line of a shim names the folder. */
function isLeader(pid: number, folder: string): boolean {
  return readCommandLine(pid)?.includes(folder) === true;
}
