/** A question in front of the page: what is asked, its fields, and the button that does it. */
import { Dialog } from 'radix-ui';
import type { ReactNode } from 'react';
import { Backdrop } from './backdrop.tsx';
import { Button } from './page.tsx';
import { useFocusBack } from './focus-back.ts';

/** @param failure why it could not be done, in a sentence */
export function Modal({
  isOpen,
  onClose,
  title,
  children,
  action,
  isDanger = false,
  isBusy = false,
  failure = null,
  onSubmit,
}: {
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly title: string;
  readonly children: ReactNode;
  readonly action: string;
  readonly isDanger?: boolean;
  readonly isBusy?: boolean;
  readonly failure?: string | null;
  readonly onSubmit: () => void;
}) {
  const focusBack = useFocusBack(isOpen);
  return (
    <Dialog.Root open={isOpen} onOpenChange={(open) => !open && onClose()}>
      <Dialog.Portal>
        <Backdrop />
        <Dialog.Content
          aria-describedby={undefined}
          {...focusBack}
          className="fixed top-[min(6rem,5dvh)] left-1/2 z-50 w-[30rem] max-w-[95vw] max-h-[90dvh] -translate-x-1/2 overflow-auto rounded-xl border border-line bg-panel p-5 shadow-xl"
        >
          <form
            className="flex flex-col gap-4"
            onSubmit={(event) => {
              event.preventDefault();
              onSubmit();
            }}
          >
            <Dialog.Title className="text-base font-semibold">{title}</Dialog.Title>
            {children}
            {failure === null ? null : (
              <p role="alert" className="text-bad">
                {failure}
              </p>
            )}
            <div className="flex justify-end gap-2">
              <Button onClick={onClose}>Cancel</Button>
              <Button type="submit" kind={isDanger ? 'danger' : 'main'} isDisabled={isBusy}>
                {action}
              </Button>
            </div>
          </form>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

/** A label with its field, and what it means below. */
export function Field({
  label,
  hint,
  children,
}: {
  readonly label: string;
  readonly hint?: string;
  readonly children: ReactNode;
}) {
  return (
    <label className="flex flex-col gap-1">
      <span className="font-medium">{label}</span>
      {children}
      {hint === undefined ? null : <span className="text-xs text-soft">{hint}</span>}
    </label>
  );
}

export const FIELD_LOOKS = 'rounded-md border border-line bg-page px-3 py-1.5';
