/** The name of a value of an enum of the API, as it is typed: bash, restart, wait. */
export function enumWord(names: Readonly<Record<string, number>>, value: number): string {
  const name = Object.keys(names).find((known) => names[known] === value);
  return name === undefined ? String(value) : name.toLowerCase();
}
