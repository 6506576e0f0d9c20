/**
 * The colours that are in force, carried from line to line: a program that turns red stays red until it says otherwise.
 *
 * A state is the shortest list of parameters that brings it about, for example `1;31`; the default is the empty text.
 */

interface Look {
  fg: string;
  bg: string;
  bold: boolean;
  faint: boolean;
  italic: boolean;
  underline: boolean;
}

const ESC = 0x1b;
const BRACKET = 0x5b;
const LETTER_M = 0x6d;

const known = new Map<string, string>();

/** Returns the state after a sequence `ESC [ params m`. */
export function applySgr(state: string, params: string): string {
  const key = `${state}|${params}`;
  const found = known.get(key);
  if (found !== undefined) return found;
  const next = compute(state, params);
  // Programs with many colours (24 bit) would fill it.
  if (known.size > 5_000) known.clear();
  known.set(key, next);
  return next;
}

/** Returns the state after a line. */
export function advanceSgr(state: string, line: Uint8Array): string {
  let current = state;
  for (let at = line.indexOf(ESC); at !== -1; at = line.indexOf(ESC, at + 1)) {
    if (line[at + 1] !== BRACKET) continue;
    let end = at + 2;
    while (isParameter(line[end])) end += 1;
    if (line[end] !== LETTER_M) continue;
    current = applySgr(current, String.fromCharCode(...line.subarray(at + 2, end)));
  }
  return current;
}

/** Digits and semicolons. */
function isParameter(byte: number | undefined): boolean {
  return byte !== undefined && ((byte >= 0x30 && byte <= 0x39) || byte === 0x3b);
}

function compute(state: string, params: string): string {
  const look: Look = { fg: '', bg: '', bold: false, faint: false, italic: false, underline: false };
  applyTo(look, state === '' ? [] : state.split(';'));
  applyTo(look, params.split(';'));
  return [
    look.bold ? '1' : '',
    look.faint ? '2' : '',
    look.italic ? '3' : '',
    look.underline ? '4' : '',
    look.fg,
    look.bg,
  ]
    .filter((part) => part !== '')
    .join(';');
}

function applyTo(look: Look, codes: readonly string[]): void {
  for (let at = 0; at < codes.length; at += 1) {
    const code = Number(codes[at]);
    if (code === 38 || code === 48) {
      const length = codes[at + 1] === '5' ? 3 : codes[at + 1] === '2' ? 5 : 2;
      if (length > 2 && at + length <= codes.length) {
        look[code === 38 ? 'fg' : 'bg'] = codes.slice(at, at + length).join(';');
      }
      at += length - 1;
    } else applyOne(look, code);
  }
}

function applyOne(look: Look, code: number): void {
  if (code === 0) {
    Object.assign(look, {
      fg: '',
      bg: '',
      bold: false,
      faint: false,
      italic: false,
      underline: false,
    });
  } else if (code === 1) look.bold = true;
  else if (code === 2) look.faint = true;
  else if (code === 3) look.italic = true;
  else if (code === 4) look.underline = true;
  else if (code === 21) look.bold = false;
  else if (code === 22) Object.assign(look, { bold: false, faint: false });
  else if (code === 23) look.italic = false;
  else if (code === 24) look.underline = false;
  else if (code === 39) look.fg = '';
  else if (code === 49) look.bg = '';
  else if ((code >= 30 && code < 38) || (code >= 90 && code < 98)) look.fg = String(code);
  else if ((code >= 40 && code < 48) || (code >= 100 && code < 108)) look.bg = String(code);
}
