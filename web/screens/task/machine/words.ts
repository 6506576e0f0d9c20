/** Events, guards and actions of the task machines as sentences. */
import type { ChartTrigger, Machine } from '../../../../proto/gen/muster/v1/machine_pb.ts';

const EVENTS: Readonly<Record<string, string>> = {
  '': 'nothing else holds',
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
  'session.opened': 'the agent of its node connects again',
  'target.offline': 'its node is found offline',
  'timer.fired': 'time passes',
  'children.counted': 'its children go on',
  'machine.upgraded': 'a newer version of Muster takes over',
};

/** Conditions; empty where it goes without saying, such as that a report is of the attempt under way. */
const GUARDS: Readonly<Record<string, string>> = {
  isHeld: 'it was created held',
  isDelayed: 'its start time is still to come',
  isDelayOver: 'its wait is over',
  isDeadlineOver: 'its deadline has passed',
  isCurrent: '',
  isCurrentAndUnknown: '',
  isCurrentSession: '',
  isNewSession: '',
  isNotCancelled: '',
  isToBeStopped: 'it is to be stopped',
  isStarted: 'still has the process',
  isHeldByAgent: 'has the attempt, not started yet',
  hasStopCause: 'it is to be stopped',
  isFailing: 'too many have failed',
  isRelease: 'there is room for more of them',
  isNews: 'the numbers differ',
  'isOfflinePolicy skip': 'its policy is to skip it then',
  'isOfflinePolicy fail': 'its policy is to fail then',
};

/** How an attempt ends, whatever tells of it. */
const ENDINGS: Readonly<Record<string, string>> = {
  completed: 'its process ends and has done its work',
  failed: 'its process ends without success, and no attempt is left',
  cancelled: 'its process ends after a cancel',
  timeout: 'its process ends after its deadline, and no attempt is left',
  retry: 'its process ends without success, and an attempt is left',
};

const CHILDREN: Readonly<Record<string, string>> = {
  completed: 'all of its children have completed',
  failed: 'all of its children are final, and some have failed',
  cancelled: 'all of its children are final, after a cancel',
  timeout: 'all of its children are final, after its deadline',
};

/** What a node that does not answer for too long leads to. */
const LOST: Readonly<Record<string, string>> = {
  completed: 'its node does not answer for too long, and it has done its work',
  failed: 'its node does not answer for too long, and no attempt is left',
  cancelled: 'its node does not answer for too long, after a cancel',
  timeout: 'its node does not answer for too long, after its deadline',
  retry: 'its node does not answer for too long, and an attempt is left',
};

/** Returns the words of an event; the event itself where there are none. */
export function eventWords(event: string): string {
  return EVENTS[event] ?? event;
}

/** Returns a trigger as a sentence: when it happens, and under which condition. */
export function triggerWords({ event, guard }: Pick<ChartTrigger, 'event' | 'guard'>): string {
  const [, verdict] = /^endsAs (\w+)$/.exec(guard) ?? [];
  if (verdict !== undefined) return endingWords(event, verdict);
  const condition = guard === '' ? '' : (GUARDS[guard] ?? spaced(guard));
  if (condition === '') return eventWords(event);
  if (event === 'timer.fired' || event === '') return condition;
  return `${eventWords(event)}, and ${condition}`;
}

function endingWords(event: string, verdict: string): string {
  if (event === 'resolve.requested') {
    return verdict === 'retry'
      ? 'an operator resolves it as lost, and an attempt is left'
      : `an operator resolves it as ${verdict}`;
  }
  const words = event === 'children.counted' ? CHILDREN : event === 'timer.fired' ? LOST : ENDINGS;
  return words[verdict] ?? `${eventWords(event)}, and it ends as ${verdict}`;
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
