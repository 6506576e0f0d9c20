/**
 * Label selectors in the syntax of Kubernetes: `role=web,region in (eu,us),!canary`.
 *
 * Every requirement must hold. `key`, `!key`, `key=value`, `key==value`, `key!=value`, `key in (a,b)`, `key notin (a,b)`; as there,
 * `!=` and `notin` also hold for a node without the key. Source: kubernetes.io, Labels and Selectors.
 */
import { MusterError } from './errors.ts';

/** One condition on one label. */
export interface Requirement {
  readonly key: string;
  readonly operator: 'exists' | 'absent' | 'in' | 'notin';
  /** Empty for exists and absent. */
  readonly values: readonly string[];
}

const KEY =
  /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

/**
 * Reads a selector.
 *
 * @throws MusterError `invalid_argument`, with the part that cannot be read
 */
export function parseSelector(text: string): Requirement[] {
  return splitRequirements(text).map((part) => parseRequirement(part, text));
}

/** Tells whether labels meet every requirement. */
export function matchesSelector(
  labels: Readonly<Record<string, string>>,
  requirements: readonly Requirement[],
): boolean {
  return requirements.every(({ key, operator, values }) => {
    const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
    switch (operator) {
      case 'exists':
        return value !== undefined;
      case 'absent':
        return value === undefined;
      case 'in':
        return value !== undefined && values.includes(value);
      case 'notin':
        return value === undefined || !values.includes(value);
    }
  });
}

/** Splits at the commas that are in no parentheses. */
function splitRequirements(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = '';
  for (const character of text) {
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    if (character === ',' && depth === 0) {
      parts.push(part);
      part = '';
    } else {
      part += character;
    }
  }
  return [...parts, part];
}

function parseRequirement(part: string, whole: string): Requirement {
  const text = part.trim();
  const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(text);
  if (set !== null) {
    const [, key = '', operator, list = ''] = set;
    const values = list.split(',').map((value) => value.trim());
    return checked({ key, operator: operator as 'in' | 'notin', values }, text, whole);
  }
  const comparison = /^([^!=\s]+)\s*(==|=|!=)\s*(\S*)$/.exec(text);
  if (comparison !== null) {
    const [, key = '', sign, value = ''] = comparison;
    return checked({ key, operator: sign === '!=' ? 'notin' : 'in', values: [value] }, text, whole);
  }
  if (text.startsWith('!')) {
    return checked({ key: text.slice(1).trim(), operator: 'absent', values: [] }, text, whole);
  }
  return checked({ key: text, operator: 'exists', values: [] }, text, whole);
}

function checked(requirement: Requirement, part: string, whole: string): Requirement {
  const fault = !KEY.test(requirement.key)
    ? `"${requirement.key}" is no label key`
    : faultOfValues(requirement.values);
  if (fault === null) return requirement;
  const where = part === whole.trim() ? '' : ` in "${part}"`;
  throw new MusterError(
    'invalid_argument',
    `Cannot read the selector "${whole}": ${fault}${where}; write it as role=web,region in (eu,us),!canary`,
  );
}

function faultOfValues(values: readonly string[]): string | null {
  const bad = values.find((value) => !VALUE.test(value));
  return bad === undefined ? null : `"${bad}" is no label value`;
}
