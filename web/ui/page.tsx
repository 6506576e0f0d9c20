/** The parts that screens are made of: a heading with its actions, panels, buttons, empty states. */
import type { ReactNode } from 'react';

export function Page({
  title,
  actions,
  children,
}: {
  readonly title: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}) {
  return (
    <div className="mx-auto flex min-h-full max-w-[1600px] flex-col gap-4 px-5 py-4">
      <div className="flex flex-wrap items-center gap-3">
        <h1 className="text-lg font-semibold">{title}</h1>
        <span className="grow" />
        {actions}
      </div>
      {children}
    </div>
  );
}

export function Panel({
  title,
  actions,
  children,
  className = '',
}: {
  readonly title?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
  readonly className?: string;
}) {
  return (
    <section className={`rounded-xl border border-line bg-panel ${className}`}>
      {title === undefined ? null : (
        <div className="flex items-center gap-2 border-b border-line px-4 py-2.5">
          <h2 className="font-medium">{title}</h2>
          <span className="grow" />
          {actions}
        </div>
      )}
      {children}
    </section>
  );
}

export function Button({
  onClick,
  children,
  kind = 'plain',
  isDisabled = false,
  title,
  type = 'button',
}: {
  readonly onClick?: () => void;
  readonly children: ReactNode;
  readonly kind?: 'plain' | 'main' | 'danger';
  readonly isDisabled?: boolean;
  readonly title?: string;
  readonly type?: 'button' | 'submit';
}) {
  const looks = {
    plain: 'border-line hover:bg-raised',
    main: 'border-accent bg-accent text-accent-text hover:opacity-90',
    danger: 'border-bad text-bad hover:bg-raised',
  }[kind];
  return (
    <button
      type={type}
      title={title}
      disabled={isDisabled}
      onClick={onClick}
      className={`rounded-md border px-3 py-1 font-medium disabled:cursor-not-allowed disabled:opacity-50 ${looks}`}
    >
      {children}
    </button>
  );
}

/** Says what to do where there is nothing to see. */
export function Empty({ children }: { readonly children: ReactNode }) {
  return <div className="px-4 py-10 text-center text-soft">{children}</div>;
}

/** What could not be read, in a sentence. */
export function Failure({ children }: { readonly children: ReactNode }) {
  return (
    <div role="alert" className="rounded-lg border border-bad px-4 py-3 text-bad">
      {children}
    </div>
  );
}

/** A command to be typed. */
export function Command({ children }: { readonly children: string }) {
  return (
    <code className="rounded bg-raised px-1.5 py-0.5 font-mono text-[13px] text-text">
      {children}
    </code>
  );
}
