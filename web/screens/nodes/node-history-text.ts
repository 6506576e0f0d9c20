/** Committed steps of a node in words. Pure. */
import type { Transition } from '../../../proto/gen/muster/v1/task_pb.ts';
import { durationText } from '../../ui/time.tsx';

type Event = Readonly<Record<string, unknown>>;

/** For example: drain asked for by user, at most 10 min 0 s, then stopped: disk swap. */
export function stepText({ eventType, event }: Pick<Transition, 'eventType' | 'event'>): string {
  const facts: Event = event ?? {};
  switch (eventType) {
    case 'node.created':
      return 'connected for the first time';
    case 'drain.requested':
      return drainText(facts);
    case 'resume.requested':
      return `given work again by ${textOf(facts['by']) || 'somebody'}`;
    case 'tasks.counted': {
      const active = Number(facts['active']);
      return active === 0 ? 'nothing is at work any more' : `${active} at work`;
    }
    case 'timer.fired':
      return 'the deadline is over';
    default:
      return eventType;
  }
}

function drainText(facts: Event): string {
  const { deadlineMs, onDeadline, note } = facts;
  const bound =
    typeof deadlineMs === 'number'
      ? `, at most ${durationText(deadlineMs)}, then ${onDeadline === 'leave' ? 'left alone' : 'stopped'}`
      : '';
  const why = textOf(note) === '' ? '' : `: ${textOf(note)}`;
  return `drain asked for by ${textOf(facts['by']) || 'somebody'}${bound}${why}`;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
