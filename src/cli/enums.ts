/**
 * Enum values of the API and their names, as people write and read them.
 */
import { UsageFault } from './fault.ts';

/** An enum of the generated code: names and their values. */
export type EnumNames = Readonly<Record<string, number>>;

/** Returns the name of a value in small letters; the number itself for one of a newer supervisor. */
export function enumName(names: EnumNames, value: number): string {
  const name = Object.keys(names).find((key) => names[key] === value);
  return (name ?? String(value)).toLowerCase();
}

/**
 * Returns the value of a name of an enum, given as `completed` or `TASK_STATE_COMPLETED`.
 *
 * @throws UsageFault that lists the names
 */
export function enumValue<Value extends number>(
  names: Readonly<Record<string, Value>>,
  prefix: string,
  text: string,
  flag: string,
): Value {
  const name = text.toUpperCase().replaceAll('-', '_').replace(prefix, '');
  const value = names[name];
  if (value === undefined || value === 0) {
    const known = Object.keys(names).filter((key) => names[key] !== 0);
    throw new UsageFault(`${flag}: '${text}' is none of ${known.join(', ').toLowerCase()}`);
  }
  return value;
}
