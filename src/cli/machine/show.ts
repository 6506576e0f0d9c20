/** `muster machine show` and `muster task diagram`: a machine for a file, a document or another tool. */
import { create } from '@bufbuild/protobuf';
import { MachineSchema } from '../../../proto/gen/muster/v1/machine_pb.ts';
import {
  DrawTaskRequestSchema,
  MachineForm,
} from '../../../proto/gen/muster/v1/machine_service_pb.ts';
import type { ClientFlags } from '../client-flags.ts';
import { unary, withConnection } from '../connection.ts';
import { EXIT } from '../exit.ts';
import { UsageFault } from '../fault.ts';
import { messageJson, printDocument } from '../output.ts';
import { parseInteger } from '../pairs.ts';
import { stdout } from '../sink.ts';
import { resolveTaskId } from '../task-id.ts';

const FORMS: Readonly<Record<string, MachineForm>> = {
  mermaid: MachineForm.MERMAID,
  svg: MachineForm.SVG,
  xstate: MachineForm.XSTATE,
};

/** Prints a machine in the form of -o; returns the exit code. */
export async function showMachine(
  name: string,
  flags: ClientFlags & { readonly version?: string },
): Promise<number> {
  const { output = 'mermaid', version = '' } = flags;
  const form = FORMS[output];
  if (form === undefined && output !== 'json') {
    throw new UsageFault(`--output: '${output}' is none of mermaid, svg, xstate, json`);
  }
  return await withConnection(flags, async ({ machines }) => {
    if (form !== undefined) {
      const { content } = await machines.exportMachine({ name, form, version }, unary);
      await stdout.write(content.endsWith('\n') ? content : `${content}\n`);
      return EXIT.ok;
    }
    const { machine } = await machines.getMachine({ name, version }, unary);
    await printDocument(messageJson(MachineSchema, machine ?? create(MachineSchema)));
    return EXIT.ok;
  });
}

/** Prints the drawing of a task's machine; returns the exit code. */
export async function drawTask(
  text: string,
  flags: ClientFlags & { readonly version?: string },
): Promise<number> {
  if (flags.output !== undefined && flags.output !== 'svg') {
    throw new UsageFault(`--output: '${flags.output}' is not svg, the only form of a diagram`);
  }
  return await withConnection(flags, async (connection) => {
    const request = create(DrawTaskRequestSchema, { id: await resolveTaskId(connection, text) });
    if (flags.version !== undefined) request.version = parseInteger(flags.version, '--version');
    const { svg } = await connection.machines.drawTask(request, unary);
    await stdout.write(svg);
    return EXIT.ok;
  });
}
