/**
 * What the event of a transition says of whoever asked for it.
 */
import type { Transition } from '../../proto/gen/muster/v1/task_pb.ts';
import { harmless } from './table.ts';

/** Returns who has asked, and why; empty texts where nobody has. */
export function askedIn({ event }: Pick<Transition, 'event'>): [by: string, note: string] {
  const { by, note } = (event ?? {}) as { by?: unknown; note?: unknown };
  return [textOf(by), textOf(note)];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? harmless(value) : '';
}
