/** Events, guards and actions of the task machines as sentences. */
import type { ChartTrigger, Machine } from '../../../../proto/gen/muster/v1/machine_pb.ts';

const EVENTS: Readonly<Record<string, string>> = {
  '': 'at once',
  'attempt.dispatched': 'the scheduler assigns it to a node',
  'attempt.started': 'the agent reports that the process has started',
  'attempt.exited': 'the process ends',
  'attempt.lost': 'the agent reports that it does not know the attempt',
  'cancel.requested': 'somebody cancels it',
  'execute.requested': 'somebody executes it',
  'resolve.requested': 'an operator resolves it',
  'pause.requested': 'somebody pauses it',
  'resume.requested': 'somebody resumes it',
  'session.lost': 'the node stops answering',
  'session.opened': 'the agent of the node connects again',
  'target.offline': 'its node is found offline',
  'timer.fired': 'time passes',
  'children.counted': 'its children change',
  'machine.upgraded': 'a newer version of Muster takes over',
};

const GUARDS: Readonly<Record<string, string>> = {
  isHeld: 'it was created held',
  isDelayed: 'its start time is still to come',
  isDelayOver: 'its start time has come',
  isDeadlineOver: 'its deadline has passed',
  isCurrent: 'the report is of this attempt',
  isCurrentAndUnknown: 'the report is of this attempt and tells something new',
  isCurrentSession: 'the session is the one of this attempt',
  isNotCancelled: 'it is not being cancelled yet',
  isToBeStopped: 'it is to be stopped',
  isStarted: 'the agent still has the process',
  isHeldByAgent: 'the agent has the attempt, not started yet',
  isNewSession: 'the session is a new one',
  hasStopCause: 'it is to be stopped',
  isFailing: 'too many children have failed',
  isRelease: 'there is room for further children',
  isNews: 'the numbers differ',
  'isOfflinePolicy skip': 'its policy is to skip offline nodes',
  'isOfflinePolicy fail': 'its policy is to fail on offline nodes',
  'endsAs completed': 'it did its work',
  'endsAs failed': 'it failed, and no attempt is left',
  'endsAs cancelled': 'it was cancelled',
  'endsAs timeout': 'it took too long, and no attempt is left',
  'endsAs retry': 'it did not do its work, and an attempt is left',
};

/** What a guard means after one event only. */
const GUARDS_OF_EVENTS: Readonly<Record<string, string>> = {
  'children.counted endsAs completed': 'all of them have completed',
  'children.counted endsAs failed': 'all of them are final, some failed',
  'children.counted endsAs cancelled': 'all of them are final, after a cancel',
  'children.counted endsAs timeout': 'all of them are final, after its deadline',
  'timer.fired endsAs completed': 'its node has not answered for too long, and it did its work',
  'timer.fired endsAs failed': 'its node has not answered for too long, and no attempt is left',
  'timer.fired endsAs cancelled': 'its node has not answered for too long, and it was cancelled',
  'timer.fired endsAs timeout': 'its node has not answered for too long, and its deadline passed',
  'timer.fired endsAs retry': 'its node has not answered for too long, and an attempt is left',
};

/** Returns the words of an event; the event itself where there are none. */
export function eventWords(event: string): string {
  return EVENTS[event] ?? event;
}

/** Returns a trigger as a sentence: when it happens, and under which condition. */
export function triggerWords({ event, guard }: Pick<ChartTrigger, 'event' | 'guard'>): string {
  const known = GUARDS_OF_EVENTS[`${event} ${guard}`] ?? GUARDS[guard];
  const condition = guard === '' ? '' : (known ?? spaced(guard));
  if (event === 'timer.fired' && condition !== '') return condition;
  return condition === '' ? eventWords(event) : `${eventWords(event)}, and ${condition}`;
}

/** isTooLate → is too late. */
function spaced(name: string): string {
  return name.replace(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** What can happen in a state: where it leads, and what makes it. */
export interface Next {
  /** Path of the state; empty where it stays. */
  readonly to: string;
  /** The state that has the transition: the one itself or one around it. */
  readonly of: string;
  /** `from>to` of its edge; empty where it stays. */
  readonly edge: string;
  readonly triggers: readonly ChartTrigger[];
}

/**
 * Returns what can happen in a state: its own transitions first, then those of the states around it.
 *
 * @param impossible guards that cannot hold; what needs one of them is left out
 */
export function nextOf(
  machine: Machine,
  path: string,
  impossible: ReadonlySet<string> = new Set(),
): Next[] {
  const names = path.split('.');
  const around = names.map((_, index) => names.slice(0, index + 1).join('.')).reverse();
  const possible = (triggers: readonly ChartTrigger[]) =>
    triggers.filter(({ guard }) => !impossible.has(guard));
  return around
    .flatMap((of) => {
      const edges = machine.edges.filter(({ from }) => from === of);
      const inner = machine.states.find((state) => state.path === of)?.inner ?? [];
      const leaving = edges.map(({ to, triggers }) => ({
        to,
        of,
        edge: `${of}>${to}`,
        triggers: possible(triggers),
      }));
      return [...leaving, { to: '', of, edge: '', triggers: possible(inner) }];
    })
    .filter(({ triggers }) => triggers.length > 0);
}
