/** Lines as a terminal would leave them, and their parts. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { partsOf, plainLine } from './line-text.ts';
import { applySgr } from './sgr.ts';

const ESC = '\u001b';
const bytesOf = (text: string) => new TextEncoder().encode(text);

describe('plainLine', () => {
  it.each([
    ['plain', 'plain'],
    [`${ESC}[1;31mred${ESC}[0m`, 'red'],
    [`${ESC}[2K${ESC}[1Gdone`, 'done'],
    [`${ESC}]0;title\u0007text`, 'text'],
    [`${ESC}]8;;https://x.test${ESC}\\link${ESC}]8;;${ESC}\\`, 'link'],
    ['10%\r50%\r100%', '100%'],
    ['windows\r', 'windows'],
    ['nul\0bell\u0007', 'nul␀bell␇'],
    [`lone${ESC}`, 'lone␛'],
    ['tab\there', 'tab\there'],
  ])('of %j is %j', (raw, text) => {
    expect(plainLine(bytesOf(raw))).toBe(text);
  });
});

describe('partsOf', () => {
  it('names the colours that have names, and gives the others', () => {
    expect(partsOf(bytesOf(`a${ESC}[1;31mb${ESC}[0;38;2;1;2;3mc`), '')).toEqual([
      { text: 'a', classes: '' },
      { text: 'b', classes: 'ansi-bold ansi-red-fg' },
      { text: 'c', classes: '', color: 'rgb(1,2,3)' },
    ]);
  });

  it('chooses black or white on a colour without a name', () => {
    const [dark, light] = partsOf(bytesOf(`${ESC}[48;2;0;0;90mx${ESC}[48;2;250;250;90my`), '');
    expect(dark?.color).toBe('rgb(255,255,255)');
    expect(light?.color).toBe('rgb(0,0,0)');
  });

  it('begins with the colours in force', () => {
    expect(partsOf(bytesOf('x'), '4;42')).toEqual([
      { text: 'x', classes: 'ansi-underline ansi-green-bg' },
    ]);
  });

  it('leaves HTML as the text that it is', () => {
    const html = `<script>alert("1 & 2")</script><span style="x">'`;
    expect(partsOf(bytesOf(`${ESC}[31m${html}`), '')).toEqual([
      { text: html, classes: 'ansi-red-fg' },
    ]);
    expect(partsOf(bytesOf(html), '')[0]?.text).toBe(html);
  });

  it('has the very text that is searched, whatever the bytes are', () => {
    const unit = fc.constantFrom('a', 'é', ESC, '[', '3', ';', 'm', ']', '<', '&', '\r', '\0', '(');
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 30 }), fc.constantFrom('', '1;31'), (raw, state) => {
        const text = partsOf(bytesOf(raw), state).map((part) => part.text);
        expect(text.join('')).toBe(plainLine(bytesOf(raw)));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('applySgr', () => {
  it.each([
    ['', '31', '31'],
    ['31', '1', '1;31'],
    ['1;31', '22', '31'],
    ['1;31', '', ''],
    ['1;31', '0', ''],
    ['31', '38;5;200', '38;5;200'],
    ['38;5;200', '48;2;1;2;3', '38;5;200;48;2;1;2;3'],
    ['38;5;1;48;2;1;2;3', '39', '48;2;1;2;3'],
    ['31', '38;5', '31'],
    ['31', '7', '31'],
  ])('of %j and %j is %j', (state, params, next) => {
    expect(applySgr(state, params)).toBe(next);
  });
});
