/** From a definition to its diagram: nothing but the definition says what is shown. */
import { describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import { MACHINES } from '../../machines/catalog.ts';
import { chartOf, edgeOfStep } from '../../machines/chart.ts';
import { RUNNING_DEFINITIONS } from '../supervisor/machines.ts';
import { layoutOf, layoutsOf } from './diagrams.ts';
import { layOut } from './layout.ts';
import { drawMermaid } from './mermaid.ts';
import { drawSvg } from './svg.ts';

/** A machine as somebody might write one tomorrow. */
function makeMachine(extra: Record<string, object> = {}) {
  return setup({
    guards: { isBig: (_, { than }: { than: number }) => than > 1 },
    actions: { note: () => {}, enter: () => {} },
  }).createMachine({
    id: 'kettle',
    version: '7',
    initial: 'idle',
    on: { UNPLUG: { target: '.off' } },
    states: {
      idle: {
        entry: 'enter',
        on: {
          POKE: { actions: 'note' },
          HEAT: { target: 'hot', guard: { type: 'isBig', params: { than: 3 } }, actions: 'note' },
          BOIL: { target: 'hot' },
        },
      },
      hot: {
        initial: 'warm',
        on: { COOL: { target: 'idle' } },
        states: { warm: { on: { HEAT: { target: 'boiling' } } }, boiling: {} },
      },
      off: { type: 'final' },
      ...extra,
    },
  });
}

/** Every element that is opened is closed, in order. */
function isWellFormed(xml: string): boolean {
  const open: string[] = [];
  for (const [tag, closing, name = '', selfClosing] of xml.matchAll(
    /<(\/?)([a-z]+)(?:\s+[a-zA-Z-]+="[^"<]*")*\s*(\/?)>/g,
  )) {
    if (tag === '') return false;
    if (selfClosing === '/') continue;
    if (closing !== '/') open.push(name);
    else if (open.pop() !== name) return false;
  }
  const text = xml.replaceAll(/<style>[^]*?<\/style>/g, '').replaceAll(/<[^>]*>/g, '');
  return open.length === 0 && !/[<>]|&(?!#\d+;)/.test(text);
}

describe('the chart', () => {
  it('has the states and edges of the definition', () => {
    const chart = chartOf(makeMachine());
    expect(chart).toMatchObject({ name: 'kettle', version: '7' });
    expect(chart.states.map(({ path, kind, isInitial }) => [path, kind, isInitial])).toEqual([
      ['idle', 'atomic', true],
      ['hot', 'compound', false],
      ['hot.warm', 'atomic', true],
      ['hot.boiling', 'atomic', false],
      ['off', 'final', false],
    ]);
    expect(chart.states[0]).toMatchObject({
      entry: ['enter'],
      inner: [{ event: 'POKE', guard: '', actions: ['note'] }],
    });
    expect(chart.edges.map(({ from, to }) => `${from}>${to}`)).toEqual([
      // What the whole machine reacts to leads out of every state that can be left.
      'idle>off',
      'hot>off',
      'idle>hot',
      'hot>idle',
      'hot.warm>hot.boiling',
    ]);
    expect(chart.edges[2]?.triggers).toEqual([
      { event: 'HEAT', guard: 'isBig 3', actions: ['note'] },
      { event: 'BOIL', guard: '', actions: [] },
    ]);
  });

  it('knows which edge a step has taken', () => {
    const chart = chartOf(makeMachine());
    const edge = (from: string, event: string, to: string) => {
      const found = edgeOfStep(chart, { from, event, to });
      return found === null ? null : `${found.from}>${found.to}`;
    };
    expect(edge('hot.boiling', 'COOL', 'idle')).toBe('hot>idle');
    expect(edge('hot.warm', 'UNPLUG', 'off')).toBe('hot>off');
    expect(edge('hot.warm', 'HEAT', 'hot.boiling')).toBe('hot.warm>hot.boiling');
    expect(edge('idle', 'POKE', 'idle')).toBeNull();
    expect(edge('idle', 'COOL', 'idle')).toBeNull();
  });
});

describe('a diagram', () => {
  it('shows what is changed in a definition, and nothing else has to be changed', async () => {
    const before = chartOf(makeMachine());
    const after = chartOf(makeMachine({ cracked: { on: { GLUE: { target: 'idle' } } } }));
    const [svgBefore, svgAfter] = [drawSvg(await layOut(before)), drawSvg(await layOut(after))];
    for (const part of ['data-path="cracked"', 'GLUE', 'data-edge="cracked&#62;idle"']) {
      expect(svgBefore).not.toContain(part);
      expect(svgAfter).toContain(part);
    }
    expect(drawMermaid(before)).not.toContain('cracked');
    expect(drawMermaid(after)).toContain('cracked --> idle: GLUE');
  });

  it('of one definition is always the same', async () => {
    for (const machine of [makeMachine(), ...MACHINES.values()]) {
      const [one, other] = await Promise.all([layOut(chartOf(machine)), layOut(chartOf(machine))]);
      expect(one).toEqual(other);
    }
  });

  it('of every machine that runs is there', async () => {
    for (const definition of RUNNING_DEFINITIONS) {
      const layout = await layoutOf(definition);
      expect(layout.chart.name).toBe(definition.machine);
      expect(layout.states.every(({ width, height }) => width > 0 && height > 0)).toBe(true);
      expect(layout.edges.every(({ points }) => points.length >= 2)).toBe(true);
    }
  });

  it('places states inside of those around them, and beside the others', async () => {
    const { states } = await layOut(chartOf(makeMachine()));
    const boxOf = (path: string) =>
      states.find((state) => state.path === path) as (typeof states)[0];
    const [hot, warm, idle] = [boxOf('hot'), boxOf('hot.warm'), boxOf('idle')];
    expect(warm.x > hot.x && warm.y > hot.y).toBe(true);
    expect(warm.x + warm.width < hot.x + hot.width).toBe(true);
    expect(idle.y + idle.height <= hot.y || hot.y + hot.height <= idle.y).toBe(true);
  });
});

describe('an SVG', () => {
  it('is well formed for every machine, also with what is lit and counted', async () => {
    for (const layout of await layoutsOf(RUNNING_DEFINITIONS)) {
      const visits = new Map(layout.edges.map((_, index) => [index, index]));
      const svg = drawSvg(layout, { current: layout.states[0]?.path ?? '', visits });
      expect(isWellFormed(svg)).toBe(true);
      expect(svg).toContain('<title>The ');
      expect(svg).not.toMatch(/NaN|undefined|<script/);
    }
  });

  it('lights the current state and counts the edges that were taken', async () => {
    const layout = await layOut(chartOf(makeMachine()));
    const svg = drawSvg(layout, { current: 'hot.warm', visits: new Map([[2, 5]]) });
    expect(svg).toContain('class="state atomic current" data-path="hot.warm"');
    expect(svg.match(/class="edge visited"/g)).toHaveLength(1);
    expect(svg).toMatch(/class="count">.*>5<\/text>/);
  });

  it('escapes what a definition may be called', async () => {
    const machine = setup({}).createMachine({
      id: '<a & "b">',
      initial: 'x<y',
      states: { 'x<y': { on: { '<&>': { target: 'z' } } }, z: {} },
    });
    const svg = drawSvg(await layOut(chartOf(machine)));
    expect(svg).not.toContain('<a &');
    expect(isWellFormed(svg)).toBe(true);
  });
});

describe('a Mermaid diagram', () => {
  it('has each state once, nested as it is', () => {
    expect(drawMermaid(chartOf(makeMachine()))).toBe(`stateDiagram-v2
  state "idle" as idle
  [*] --> idle
  state "hot" as hot {
    state "warm" as hot_warm
    [*] --> hot_warm
    state "boiling" as hot_boiling
  }
  state "off" as off
  off --> [*]
  idle --> off: UNPLUG
  hot --> off: UNPLUG
  idle --> hot: HEAT, BOIL
  hot --> idle: COOL
  hot_warm --> hot_boiling: HEAT
`);
  });

  it('is balanced for every machine', () => {
    for (const machine of MACHINES.values()) {
      const lines = drawMermaid(chartOf(machine)).split('\n');
      const opened = lines.filter((line) => line.endsWith('{')).length;
      expect(lines.filter((line) => line.trim() === '}')).toHaveLength(opened);
      expect(lines.slice(1, -1).every((line) => /^ {2}/.test(line))).toBe(true);
    }
  });
});
