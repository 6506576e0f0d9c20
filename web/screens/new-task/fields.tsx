/** The parts of the form: labelled fields with what is wrong with them, choices, and groups of both. */
import { type ReactNode, createContext, use, useId } from 'react';
import type { FormState, Problem, TextField } from './form-state.ts';

interface FormAccess {
  readonly form: FormState;
  readonly set: (part: Partial<FormState>) => void;
  /** Shown once somebody has tried to send the form. */
  readonly problems: readonly Problem[];
}

const Access = createContext<FormAccess | null>(null);

export const FormProvider = Access.Provider;

export function useForm(): FormAccess {
  const access = use(Access);
  if (access === null) throw new Error('a field stands outside of the form');
  return access;
}

export const INPUT =
  'w-full rounded-md border border-line bg-page px-2.5 py-1.5 leading-5 placeholder:text-soft aria-invalid:border-bad';

/** A label with its control; `children` is given the ids that tie both together. */
export function Field({
  label,
  hint,
  field,
  className = '',
  children,
}: {
  readonly label: ReactNode;
  readonly hint?: ReactNode;
  readonly field: keyof FormState;
  readonly className?: string;
  readonly children: (ids: {
    readonly id: string;
    readonly 'aria-describedby': string;
    readonly 'aria-invalid': boolean;
  }) => ReactNode;
}) {
  const id = useId();
  const problem = useForm().problems.find((one) => one.field === field);
  return (
    <div className={`flex min-w-0 flex-col gap-1 ${className}`}>
      <label htmlFor={id} className="text-[13px] text-soft">
        {label}
      </label>
      {children({
        id,
        'aria-describedby': `${id}-note`,
        'aria-invalid': problem !== undefined,
      })}
      <div id={`${id}-note`} className="text-[13px]">
        {problem === undefined ? (
          <span className="text-soft">{hint}</span>
        ) : (
          <span className="text-bad">{problem.text}</span>
        )}
      </div>
    </div>
  );
}

export function Text({
  field,
  label,
  hint,
  placeholder,
  isMono = false,
  type = 'text',
  suggestions,
  className = '',
}: {
  readonly field: TextField;
  readonly label: ReactNode;
  readonly hint?: ReactNode;
  readonly placeholder?: string;
  readonly isMono?: boolean;
  readonly type?: 'text' | 'datetime-local';
  readonly suggestions?: readonly string[];
  readonly className?: string;
}) {
  const { form, set } = useForm();
  const list = useId();
  return (
    <Field label={label} hint={hint} field={field} className={className}>
      {(ids) => (
        <>
          <input
            {...ids}
            type={type}
            // Offers of the browser lie over ours, and what was typed here may be secret.
            autoComplete="off"
            spellCheck={false}
            placeholder={placeholder}
            value={form[field]}
            list={suggestions === undefined ? undefined : list}
            onChange={(event) => set({ [field]: event.target.value })}
            className={`${INPUT} ${isMono ? 'font-mono text-[13px]' : ''}`}
          />
          {suggestions === undefined ? null : (
            <datalist id={list}>
              {suggestions.map((value) => (
                <option key={value} value={value} />
              ))}
            </datalist>
          )}
        </>
      )}
    </Field>
  );
}

export function Lines({
  field,
  label,
  hint,
  placeholder,
  rows = 3,
}: {
  readonly field: TextField;
  readonly label: ReactNode;
  readonly hint?: ReactNode;
  readonly placeholder?: string;
  readonly rows?: number;
}) {
  const { form, set } = useForm();
  return (
    <Field label={label} hint={hint} field={field}>
      {(ids) => (
        <textarea
          {...ids}
          rows={rows}
          spellCheck={false}
          placeholder={placeholder}
          value={form[field]}
          onChange={(event) => set({ [field]: event.target.value })}
          className={`${INPUT} font-mono text-[13px]`}
        />
      )}
    </Field>
  );
}

export function Select({
  field,
  label,
  hint,
  options,
}: {
  readonly field: TextField;
  readonly label: ReactNode;
  readonly hint?: ReactNode;
  readonly options: readonly (readonly [value: string, label: string])[];
}) {
  const { form, set } = useForm();
  return (
    <Field label={label} hint={hint} field={field}>
      {(ids) => (
        <select
          {...ids}
          value={form[field]}
          onChange={(event) => set({ [field]: event.target.value })}
          className={INPUT}
        >
          {options.map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

/** One of a few, side by side. */
export function Choice<Name extends TextField>({
  field,
  legend,
  options,
}: {
  readonly field: Name;
  readonly legend: string;
  readonly options: readonly (readonly [value: FormState[Name] & string, label: string])[];
}) {
  const { form, set } = useForm();
  const name = useId();
  return (
    <fieldset className="flex flex-wrap gap-1 self-start rounded-lg border border-line bg-page p-1">
      <legend className="sr-only">{legend}</legend>
      {options.map(([value, label]) => (
        <label
          key={value}
          className="cursor-pointer rounded-md px-3 py-1 text-soft has-checked:bg-accent-soft has-checked:font-medium has-checked:text-text has-focus-visible:outline-2 has-focus-visible:outline-accent hover:text-text"
        >
          <input
            type="radio"
            name={name}
            value={value}
            checked={form[field] === value}
            onChange={() => set({ [field]: value })}
            className="sr-only"
          />
          {label}
        </label>
      ))}
    </fieldset>
  );
}

/** More fields, folded away until they are wanted, or hold something. */
export function More({
  title,
  isOpen,
  children,
}: {
  readonly title: string;
  readonly isOpen: boolean;
  readonly children: ReactNode;
}) {
  return (
    <details open={isOpen} className="group">
      <summary className="w-fit cursor-pointer rounded text-soft select-none hover:text-text">
        {title}
      </summary>
      <div className="mt-3 flex flex-col gap-3">{children}</div>
    </details>
  );
}
