/** Nodes and schedules as they are, and what happens to tasks minute by minute, over the live stream. */
import { useEffect, useRef, useState } from 'react';
import type { Node } from '../../../proto/gen/muster/v1/node_pb.ts';
import type { Schedule } from '../../../proto/gen/muster/v1/schedule_pb.ts';
import { link } from '../../live.ts';
import { countStep, growTo, type Minute } from './minutes.ts';

interface Identified {
  readonly id: string;
}

/** Returns the things after a message; the first one of a stream has all. */
function merged<T extends Identified>(
  former: ReadonlyMap<string, T>,
  changed: readonly T[],
  deletedIds: readonly string[],
): ReadonlyMap<string, T> {
  const next = new Map(former);
  for (const one of changed) next.set(one.id, one);
  for (const id of deletedIds) next.delete(id);
  return next;
}

export interface Live<T> {
  readonly all: readonly T[];
  readonly isKnown: boolean;
}

export function useLiveNodes(): Live<Node> {
  const [nodes, setNodes] = useState<ReadonlyMap<string, Node> | null>(null);
  useEffect(() => {
    let isFirst = true;
    return link.subscribe(
      () => {
        isFirst = true;
        return { case: 'nodes', value: {} };
      },
      (message) => {
        if (message.case !== 'nodes') return;
        const { nodes: changed, deletedIds } = message.value;
        const hadNone = isFirst;
        isFirst = false;
        setNodes((former) =>
          merged(hadNone ? new Map() : (former ?? new Map()), changed, deletedIds),
        );
      },
    );
  }, []);
  return { all: [...(nodes?.values() ?? [])], isKnown: nodes !== null };
}

export function useLiveSchedules(): Live<Schedule> {
  const [schedules, setSchedules] = useState<ReadonlyMap<string, Schedule> | null>(null);
  useEffect(() => {
    let isFirst = true;
    return link.subscribe(
      () => {
        isFirst = true;
        return { case: 'schedules', value: {} };
      },
      (message) => {
        if (message.case !== 'schedules') return;
        const { schedules: changed, deletedIds } = message.value;
        const hadNone = isFirst;
        isFirst = false;
        setSchedules((former) =>
          merged(hadNone ? new Map() : (former ?? new Map()), changed, deletedIds),
        );
      },
    );
  }, []);
  return { all: [...(schedules?.values() ?? [])], isKnown: schedules !== null };
}

/** Drawn this often at most, however much happens. */
const DRAW_MS = 1_000;

/** Counts per minute since the page was opened. */
export function useMinutes(): readonly Minute[] {
  const counted = useRef<readonly Minute[]>([]);
  const [minutes, setMinutes] = useState<readonly Minute[]>([]);
  useEffect(() => {
    const timer = setInterval(() => {
      counted.current = growTo(counted.current, Date.now());
      setMinutes(counted.current);
    }, DRAW_MS);
    let end = () => {};
    let again: ReturnType<typeof setTimeout> | undefined;
    const start = () => {
      end = link.subscribe(
        () => ({ case: 'tasks', value: {} }),
        (message) => {
          if (message.case === 'task' && message.value.transition !== undefined) {
            counted.current = countStep(counted.current, message.value.transition, Date.now());
          }
          // It fell behind: what was missed is not counted.
          if (message.case === 'ended') {
            end();
            again = setTimeout(start, DRAW_MS);
          }
        },
      );
    };
    start();
    return () => {
      clearInterval(timer);
      clearTimeout(again);
      end();
    };
  }, []);
  return minutes;
}
