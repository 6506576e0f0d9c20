/**
 * The text of a line as a terminal would leave it, and its coloured parts.
 *
 * What ansi_up makes is taken apart again into texts and classes, so that no HTML of an output ever becomes part of the page.
 */
import { AnsiUp } from 'ansi_up';

export interface Part {
  readonly text: string;
  /** Classes of ansi.css. */
  readonly classes: string;
  /** Colours that have no name, as rgb(…). */
  readonly color?: string;
  readonly background?: string;
}

const decoder = new TextDecoder();
// From code points: patterns with control characters in them are hard to read.
const ESC = String.fromCharCode(27);
const BEL = String.fromCharCode(7);
const UNUSUAL = new RegExp(
  `[${String.fromCharCode(0)}-${String.fromCharCode(8)}${String.fromCharCode(10)}-${String.fromCharCode(31)}${String.fromCharCode(127)}]`,
);
/** Colours (the first group), and everything else that moves a cursor, sets a title or links to somewhere. */
const SEQUENCE = new RegExp(
  `${ESC}(?:\\[([0-9;]*)m|\\[[0-?]*[ -/]*[@-~]|\\][^${BEL}${ESC}]*(?:${BEL}|${ESC}\\\\|$)|[()][0-9A-Za-z]|[=>78MDEHc])`,
  'g',
);
const COLOR = new RegExp(`${ESC}\\[[0-9;]*m`, 'g');
const CONTROL = new RegExp(
  `${ESC}(?!\\[[0-9;]*m)|[${String.fromCharCode(0)}-${String.fromCharCode(8)}${String.fromCharCode(10)}-${String.fromCharCode(26)}${String.fromCharCode(28)}-${String.fromCharCode(31)}${String.fromCharCode(127)}]`,
  'g',
);

/** Returns the text of a line with its colours and no other sequence: what was written over by a carriage return is gone. */
export function cleanLine(bytes: Uint8Array): string {
  const text = decoder.decode(bytes);
  if (!UNUSUAL.test(text)) return text;
  const colored = text.replaceAll(SEQUENCE, (sequence, params: string | undefined) =>
    params === undefined ? '' : sequence,
  );
  const isEnded = colored.endsWith('\r');
  const body = isEnded ? colored.slice(0, -1) : colored;
  const overwritten = body.lastIndexOf('\r');
  const before = overwritten === -1 ? '' : (body.slice(0, overwritten).match(COLOR) ?? []).join('');
  return before + body.slice(overwritten + 1).replaceAll(CONTROL, pictureOf);
}

/** Returns the text without its colours. */
export function plainLine(bytes: Uint8Array): string {
  const text = cleanLine(bytes);
  return text.includes(ESC) ? text.replaceAll(COLOR, '') : text;
}

/** Returns the parts of a line, from the colours in force where it begins. */
export function partsOf(bytes: Uint8Array, state: string): readonly Part[] {
  const text = cleanLine(bytes);
  if (state === '' && !text.includes(ESC)) return text === '' ? [] : [{ text, classes: '' }];
  const ansi = new AnsiUp();
  ansi.use_classes = true;
  ansi.boldStyle = 'ansi-bold';
  ansi.faintStyle = 'ansi-faint';
  ansi.italicStyle = 'ansi-italic';
  ansi.underlineStyle = 'ansi-underline';
  const html = ansi.ansi_to_html(state === '' ? text : `${ESC}[${state}m${text}`);
  return [...html.matchAll(SPAN)].map(([, styles = '', classes = '', inner = '', bare]) =>
    partOf(unescapeHtml(bare ?? inner), styles.split(';'), classes),
  );
}

const SPAN = /<span(?: style="([^"]*)")?(?: class="([^"]*)")?>([^<]*)<\/span>|([^<]+)/g;

function partOf(text: string, styles: readonly string[], classes: string): Part {
  const valueOf = (name: string) => styles.find((one) => one.startsWith(name))?.slice(name.length);
  const color = valueOf('color:');
  const background = valueOf('background-color:');
  const named = styles.filter((one) => one.startsWith('ansi-'));
  // Text that takes the colour of the page, or a named one, is not readable on just any colour.
  const shown =
    color ?? (background === undefined || classes !== '' ? undefined : textOn(background));
  return {
    text,
    classes: [...named, classes].filter((one) => one !== '').join(' '),
    ...(shown === undefined ? {} : { color: shown }),
    ...(background === undefined ? {} : { background }),
  };
}

/** Black or white, whichever has more contrast (WCAG 2) to a colour. */
function textOn(background: string): string {
  const [red = 0, green = 0, blue = 0] = (background.match(/[0-9]+/g) ?? []).map(linear);
  const luminance = red * 0.2126 + green * 0.7152 + blue * 0.0722;
  return luminance > 0.179 ? 'rgb(0,0,0)' : 'rgb(255,255,255)';
}

/** Of a part of a colour from 0 to 255: its light, from 0 to 1. */
function linear(part: string): number {
  const share = Number(part) / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#x27;': "'",
};

function unescapeHtml(text: string): string {
  return text.replaceAll(/&(?:amp|lt|gt|quot|#x27);/g, (entity) => ENTITIES[entity] ?? entity);
}

/** A control character as its picture: ␀, ␇, … */
function pictureOf(control: string): string {
  const code = control.charCodeAt(0);
  return String.fromCharCode(code === 127 ? 0x2421 : 0x2400 + code);
}
