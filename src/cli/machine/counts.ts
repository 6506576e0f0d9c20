/** `muster machine counts`: how often the edges of machines were taken of late. */
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { MachineCountsSchema } from '../../../proto/gen/muster/v1/machine_pb.ts';
import { GetMachineCountsResponseSchema } from '../../../proto/gen/muster/v1/machine_service_pb.ts';
import { BOUNDS } from '../bounds.ts';
import type { ClientFlags } from '../client-flags.ts';
import { unary, withConnection } from '../connection.ts';
import { formatDuration, parseDuration } from '../duration.ts';
import { EXIT } from '../exit.ts';
import { messageJson, outputForm, printDocument, printLines, printTable } from '../output.ts';
import { note } from '../sink.ts';
import type { Column } from '../table.ts';

const COLUMNS: readonly Column[] = [
  { title: 'MACHINE' },
  { title: 'FROM' },
  { title: 'EVENT', shrinkTo: 12 },
  { title: 'TO' },
  { title: 'COUNT', align: 'right' },
];

export interface CountsFlags extends ClientFlags {
  readonly since?: string;
}

/** Prints how often each edge was taken; returns the exit code. @param name of a machine; undefined for all */
export async function countSteps(name: string | undefined, flags: CountsFlags): Promise<number> {
  const form = outputForm(flags.output);
  const windowMs = parseDuration(flags.since ?? '1h', '--since', BOUNDS.countsWindow);
  return await withConnection(flags, async ({ machines }) => {
    const request = { name: name ?? '', window: durationFromMs(windowMs) };
    const response = await machines.getMachineCounts(request, unary);
    if (form === 'json') {
      await printDocument(messageJson(GetMachineCountsResponseSchema, response));
    } else if (form === 'jsonl') {
      await printLines(response.machines.map((one) => messageJson(MachineCountsSchema, one)));
    } else {
      const rows = response.machines.flatMap(({ name: machine, edges }) =>
        edges.map(({ from, event, to, count }) => [machine, from, event, to, String(count)]),
      );
      const which = name === undefined ? 'no machine' : `no ${name}`;
      if (rows.length === 0)
        await note(`${which} has taken a step in the last ${formatDuration(windowMs)}`);
      else await printTable(COLUMNS, rows);
    }
    return EXIT.ok;
  });
}
