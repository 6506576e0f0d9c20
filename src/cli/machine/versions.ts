/** `muster machine list --all`: every definition that ever ran, and since when. */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { MachineVersionSchema } from '../../../proto/gen/muster/v1/machine_pb.ts';
import { ListMachineVersionsResponseSchema } from '../../../proto/gen/muster/v1/machine_service_pb.ts';
import type { ClientFlags } from '../client-flags.ts';
import { unary, withConnection } from '../connection.ts';
import { EXIT } from '../exit.ts';
import { messageJson, outputForm, printDocument, printLines, printTable } from '../output.ts';
import type { Column } from '../table.ts';
import { formatTime } from '../time.ts';

const COLUMNS: readonly Column[] = [
  { title: 'NAME' },
  { title: 'VERSION', align: 'right' },
  { title: 'RUNS' },
  { title: 'DEFINITION' },
  { title: 'FIRST SEEN' },
];
/** Characters of a hash: enough for --version. */
const HASH_SHOWN = 12;

/** Lists the definitions; returns the exit code. */
export async function listVersions(flags: ClientFlags): Promise<number> {
  const form = outputForm(flags.output);
  return await withConnection(flags, async ({ machines }) => {
    const response = await machines.listMachineVersions({}, unary);
    const { versions } = response;
    if (form === 'json') {
      await printDocument(messageJson(ListMachineVersionsResponseSchema, response));
    } else if (form === 'jsonl') {
      await printLines(versions.map((version) => messageJson(MachineVersionSchema, version)));
    } else {
      await printTable(
        COLUMNS,
        versions.map(({ name, version, running, hash, firstSeenAt }) => [
          name,
          version,
          running ? 'yes' : 'no',
          hash.slice(0, HASH_SHOWN),
          firstSeenAt === undefined ? '' : formatTime(timestampMs(firstSeenAt)),
        ]),
      );
    }
    return EXIT.ok;
  });
}
