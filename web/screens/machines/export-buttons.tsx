/** A machine as a file: a drawing, a Mermaid diagram, or the definition for other tools of XState. */
import { MachineForm } from '../../../proto/gen/muster/v1/machine_service_pb.ts';
import { machines } from '../../connection.ts';
import { useAction } from '../../ui/action.ts';
import { Button } from '../../ui/page.tsx';

const FORMS = [
  { label: 'SVG', form: MachineForm.SVG, ending: 'svg', type: 'image/svg+xml' },
  { label: 'Mermaid', form: MachineForm.MERMAID, ending: 'mmd', type: 'text/plain' },
  { label: 'XState JSON', form: MachineForm.XSTATE, ending: 'json', type: 'application/json' },
] as const;

/** @param version the beginning of the hash of a former definition; empty for the one that runs */
export function ExportButtons({
  name,
  version,
}: {
  readonly name: string;
  readonly version: string;
}) {
  const { isBusy, act } = useAction();
  const fileName = version === '' ? name : `${name}-${version}`;
  return (
    <>
      {FORMS.map(({ label, form, ending, type }) => (
        <Button
          key={label}
          isDisabled={isBusy}
          title={`Save the machine as ${label}`}
          onClick={() =>
            void act(async () => {
              const { content } = await machines.exportMachine({ name, form, version });
              save(`${fileName}.${ending}`, new Blob([content], { type }));
            }, `${fileName}.${ending} is saved`)
          }
        >
          {label}
        </Button>
      ))}
    </>
  );
}

function save(fileName: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement('a');
  link.href = url;
  link.download = fileName;
  link.click();
  URL.revokeObjectURL(url);
}
