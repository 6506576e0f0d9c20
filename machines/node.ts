/**
 * The node machine: whether a host takes work, as its operators wish.
 *
 *   active ──drain──▶ draining ──empty──────────────────▶ drained
 *     ▲                  ├─ deadline, leave ────────────────▲
 *     │                  └─ deadline, stop ──▶ stopping ────┘ empty
 *     └───────────────────────── resume ── (from any of them)
 *
 * Pure: what is at work is counted outside and arrives in events. A node that is not active is given no task, on any supervisor;
 * what `stopping` means for its tasks follows from the state (src/supervisor/drains.ts). Called through `node-decide.ts`.
 */
import { assign, setup } from 'xstate';
import type { NodeContext, NodeEvent, NodeInput } from './node-context.ts';

/** Raised with every change that an old snapshot or history would not survive; see snapshot.ts. */
export const NODE_MACHINE_VERSION = 1;

const machineSetup = setup({
  types: {} as { context: NodeContext; events: NodeEvent; input: NodeInput },
  guards: {
    isEmpty: ({ event }) => event.type === 'tasks.counted' && event.active === 0,
    isNews: ({ context, event }) =>
      event.type === 'tasks.counted' && event.active !== context.active,
    isOverAndStops: ({ context, event }) =>
      isOver(context, event) && context.drain?.onDeadline === 'stop',
    isOverAndLeaves: ({ context, event }) =>
      isOver(context, event) && context.drain?.onDeadline === 'leave',
  },
  actions: {
    drain: assign(({ event }) =>
      event.type !== 'drain.requested'
        ? {}
        : {
            drain: {
              by: event.by,
              note: event.note,
              requestedAt: event.at,
              deadlineAt: event.deadlineMs === null ? null : event.at + event.deadlineMs,
              onDeadline: event.onDeadline,
            },
          },
    ),
    count: assign(({ event }) => (event.type === 'tasks.counted' ? { active: event.active } : {})),
    finish: assign(({ event }) => ({ drainedAt: event.at })),
    resume: assign({ drain: null, active: 0, drainedAt: null }),
  },
});

function isOver({ drain }: NodeContext, event: NodeEvent): boolean {
  return event.type === 'timer.fired' && event.at >= (drain?.deadlineAt ?? Infinity);
}

const empty = { guard: 'isEmpty', target: 'drained', actions: ['count', 'finish'] } as const;
const recount = { guard: 'isNews', actions: 'count' } as const;
const resume = { target: 'active', actions: 'resume' } as const;

export const nodeMachine = machineSetup.createMachine({
  id: 'node',
  version: String(NODE_MACHINE_VERSION),
  context: ({ input }) => ({ ...input, drain: null, active: 0, drainedAt: null }),
  initial: 'active',
  states: {
    active: { on: { 'drain.requested': { target: 'draining', actions: 'drain' } } },
    draining: {
      on: {
        'tasks.counted': [empty, recount],
        'timer.fired': [
          { guard: 'isOverAndStops', target: 'stopping' },
          { guard: 'isOverAndLeaves', target: 'drained', actions: 'finish' },
        ],
        // Asked again: with another deadline, or another end.
        'drain.requested': { actions: 'drain' },
        'resume.requested': resume,
      },
    },
    stopping: { on: { 'tasks.counted': [empty, recount], 'resume.requested': resume } },
    drained: { on: { 'resume.requested': resume } },
  },
});
