/** `muster machine list`: the state machines, with their versions and sizes. */
import { ChartStateKind, MachineSchema } from '../../../proto/gen/muster/v1/machine_pb.ts';
import { ListMachinesResponseSchema } from '../../../proto/gen/muster/v1/machine_service_pb.ts';
import type { ClientFlags } from '../client-flags.ts';
import { unary, withConnection } from '../connection.ts';
import { EXIT } from '../exit.ts';
import { messageJson, outputForm, printDocument, printLines, printTable } from '../output.ts';
import type { Column } from '../table.ts';

const COLUMNS: readonly Column[] = [
  { title: 'NAME' },
  { title: 'VERSION', align: 'right' },
  { title: 'STATES', align: 'right' },
  { title: 'EDGES', align: 'right' },
  { title: 'FINAL STATES', shrinkTo: 10 },
];

/** Lists the machines; returns the exit code. */
export async function listMachines(flags: ClientFlags): Promise<number> {
  const form = outputForm(flags.output);
  return await withConnection(flags, async (connection) => {
    const response = await connection.machines.listMachines({}, unary);
    const { machines } = response;
    if (form === 'json') await printDocument(messageJson(ListMachinesResponseSchema, response));
    else if (form === 'jsonl')
      await printLines(machines.map((machine) => messageJson(MachineSchema, machine)));
    else
      await printTable(
        COLUMNS,
        machines.map(({ name, version, states, edges }) => {
          const final = states.filter(({ kind }) => kind === ChartStateKind.FINAL);
          const names = final.map((state) => state.name).join(', ');
          return [name, version, String(states.length), String(edges.length), names];
        }),
      );
    return EXIT.ok;
  });
}
