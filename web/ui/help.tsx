/** The keys of the console, in a dialog. */
import { Dialog } from 'radix-ui';
import { Backdrop } from './backdrop.tsx';
import { useFocusBack } from './focus-back.ts';

const OTHERS: readonly (readonly [string, string])[] = [
  ['g c', 'New task'],
  ['/', 'Search on this screen'],
  ['j  k', 'Next and former row of the tasks'],
  ['Enter', 'Open the row'],
  ['x', 'Select the row'],
  ['[  ]', 'Former and next task of the list'],
  [',  .', 'Back and forth through the history of a task'],
  ['l', 'Return to live'],
  ['p', 'Pause the events, or go on'],
  ['?', 'This list'],
];

export function Help({
  isOpen,
  onClose,
  places,
}: {
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly places: readonly { readonly label: string; readonly keys: string }[];
}) {
  const rows = [...places.map(({ label, keys }) => [keys, label] as const), ...OTHERS];
  const focusBack = useFocusBack(isOpen);
  return (
    <Dialog.Root open={isOpen} onOpenChange={(open) => !open && onClose()}>
      <Dialog.Portal>
        <Backdrop />
        <Dialog.Content
          aria-describedby={undefined}
          {...focusBack}
          className="fixed top-[min(6rem,5dvh)] left-1/2 z-50 max-h-[90dvh] w-96 max-w-[95vw] overflow-auto -translate-x-1/2 rounded-xl border border-line bg-panel p-5 shadow-xl"
        >
          <Dialog.Title className="mb-3 text-base font-semibold">Keys</Dialog.Title>
          <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-2">
            {rows.map(([keys, label]) => (
              <div key={keys} className="contents">
                <dt>
                  <kbd className="rounded border border-line bg-raised px-1.5 py-0.5 font-mono text-xs">
                    {keys}
                  </kbd>
                </dt>
                <dd>{label}</dd>
              </div>
            ))}
          </dl>
          <Dialog.Close className="mt-4 rounded-md border border-line px-3 py-1.5 hover:bg-raised">
            Close
          </Dialog.Close>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
