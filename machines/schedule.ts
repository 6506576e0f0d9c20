/**
 * The schedule machine: makes tasks at given times.
 *
 *   active ◀──pause, resume──▶ paused
 *     └── fired, nothing due any more ──▶ ended ── updated, something is due again ──▶ active
 *
 * Pure: what is due next comes in the events, from a calendar outside; whether a due time makes a task is judged in
 * `judgeDue`, before the event is made, and committed together with the task (I10). Called through `schedule-decide.ts`.
 */
import { assign, setup } from 'xstate';
import type { ScheduleContext, ScheduleEvent, ScheduleInput } from './schedule-context.ts';

/** Raised with every change that an old snapshot or history would not survive; see snapshot.ts. */
export const SCHEDULE_MACHINE_VERSION = 1;

const machineSetup = setup({
  types: {} as { context: ScheduleContext; events: ScheduleEvent; input: ScheduleInput },
  guards: {
    isNextDue: ({ context, event }) =>
      event.type === 'schedule.fired' && !event.isManual && event.dueAt === context.nextAt,
    isLast: ({ context, event }) =>
      event.type === 'schedule.fired' &&
      !event.isManual &&
      event.dueAt === context.nextAt &&
      event.nextAt === null,
    isManual: ({ event }) => event.type === 'schedule.fired' && event.isManual,
    isNothingDue: ({ event }) => event.type === 'resume.requested' && event.nextAt === null,
    isDueAgain: ({ event }) => event.type === 'schedule.updated' && event.nextAt !== null,
    neverDue: ({ context }) => context.nextAt === null,
  },
  actions: {
    fire: assign(({ context, event }) =>
      event.type !== 'schedule.fired'
        ? {}
        : {
            nextAt: event.isManual ? context.nextAt : event.nextAt,
            ...(event.fire.kind === 'task'
              ? {
                  lastTaskId: event.fire.taskId,
                  lastFiredAt: event.at,
                  fired: context.fired + 1,
                }
              : { skipped: context.skipped + 1 }),
          },
    ),
    pause: assign(({ context, event }) =>
      event.type !== 'pause.requested'
        ? {}
        : {
            note: event.note,
            nextAt: null,
            skipped: context.skipped + (event.droppedDueAt === undefined ? 0 : 1),
          },
    ),
    resume: assign(({ event }) =>
      event.type === 'resume.requested' ? { note: '', nextAt: event.nextAt } : {},
    ),
    update: assign(({ context, event }) =>
      event.type !== 'schedule.updated'
        ? {}
        : {
            ...event.change,
            nextAt: event.nextAt,
            skipped: context.skipped + (event.droppedDueAt === null ? 0 : 1),
          },
    ),
  },
});

export const scheduleMachine = machineSetup.createMachine({
  id: 'schedule',
  version: String(SCHEDULE_MACHINE_VERSION),
  context: ({ input }) => ({
    ...input,
    lastTaskId: null,
    lastFiredAt: null,
    fired: 0,
    skipped: 0,
    note: '',
  }),
  initial: 'active',
  states: {
    active: {
      always: { guard: 'neverDue', target: 'ended' },
      on: {
        'schedule.fired': [
          { guard: 'isManual', actions: 'fire' },
          { guard: 'isLast', target: 'ended', actions: 'fire' },
          { guard: 'isNextDue', actions: 'fire' },
        ],
        'pause.requested': { target: 'paused', actions: 'pause' },
        'schedule.updated': { actions: 'update' },
      },
    },
    paused: {
      on: {
        'schedule.fired': { guard: 'isManual', actions: 'fire' },
        'resume.requested': [
          { guard: 'isNothingDue', target: 'ended', actions: 'resume' },
          { target: 'active', actions: 'resume' },
        ],
        'schedule.updated': { actions: 'update' },
      },
    },
    // It can still be fired by hand.
    ended: {
      on: {
        'schedule.fired': { guard: 'isManual', actions: 'fire' },
        'schedule.updated': [
          { guard: 'isDueAgain', target: 'active', actions: 'update' },
          { actions: 'update' },
        ],
      },
    },
  },
});
