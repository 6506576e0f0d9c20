/** Draws the cells of the map: each state has a colour and a form of its own. */
import { cornerOf, type Layout } from './geometry.ts';
import type { Child, ChildState } from './states.ts';

/** A colour of the theme, and whether the cell is filled with it. */
interface Look {
  readonly color: string;
  readonly isFilled: boolean;
  /** What is drawn on it. */
  readonly mark: 'none' | 'cross' | 'hourglass' | 'slash' | 'half' | 'dot';
}

export const LOOKS: Readonly<Record<ChildState, Look>> = {
  completed: { color: '--good', isFilled: true, mark: 'none' },
  failed: { color: '--bad', isFilled: true, mark: 'cross' },
  timeout: { color: '--bad', isFilled: true, mark: 'hourglass' },
  cancelled: { color: '--warn', isFilled: false, mark: 'slash' },
  skipped: { color: '--soft', isFilled: false, mark: 'slash' },
  running: { color: '--live', isFilled: false, mark: 'half' },
  pending: { color: '--soft', isFilled: false, mark: 'dot' },
  held: { color: '--soft', isFilled: false, mark: 'none' },
};

const DIMMED = 0.15;

/** Draws all cells anew. @param wanted the state that is not dimmed; null for all */
export function drawMap(
  canvas: HTMLCanvasElement,
  layout: Layout,
  children: readonly Child[],
  wanted: ChildState | null,
  pointed: number,
): void {
  const context = canvas.getContext('2d');
  if (context === null) return;
  const ratio = devicePixelRatio;
  const width = layout.columns * layout.pitch;
  canvas.width = Math.ceil(width * ratio);
  canvas.height = Math.ceil(layout.height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${layout.height}px`;
  context.scale(ratio, ratio);
  const colors = getComputedStyle(canvas);
  const size = layout.pitch - layout.gap;
  const ground = colors.getPropertyValue('--panel');
  children.forEach(({ state }, index) => {
    const [x, y] = cornerOf(layout, index);
    context.globalAlpha = wanted === null || wanted === state ? 1 : DIMMED;
    drawCell(
      context,
      LOOKS[state],
      colors.getPropertyValue(LOOKS[state].color),
      ground,
      x,
      y,
      size,
    );
  });
  context.globalAlpha = 1;
  if (pointed >= 0) {
    const [x, y] = cornerOf(layout, pointed);
    context.strokeStyle = colors.getPropertyValue('--text');
    context.lineWidth = 2;
    context.strokeRect(x, y, size, size);
  }
}

/** Draws one cell at a place. */
export function drawCell(
  context: CanvasRenderingContext2D,
  { isFilled, mark }: Look,
  color: string,
  ground: string,
  x: number,
  y: number,
  size: number,
): void {
  context.fillStyle = color;
  context.strokeStyle = color;
  context.lineWidth = size > 20 ? 2 : size > 12 ? 1.5 : 1;
  if (isFilled) context.fillRect(x, y, size, size);
  else {
    const half = context.lineWidth / 2;
    context.strokeRect(x + half, y + half, size - 2 * half, size - 2 * half);
  }
  if (mark === 'half') return context.fillRect(x, y + size / 2, size, size / 2);
  if (mark === 'none') return;
  if (mark === 'dot') {
    const dot = Math.max(size * 0.2, 2);
    return context.fillRect(x + (size - dot) / 2, y + (size - dot) / 2, dot, dot);
  }
  if (isFilled) context.strokeStyle = ground;
  const [low, high] = [size * 0.26, size * 0.74];
  context.beginPath();
  if (mark !== 'slash') {
    context.moveTo(x + low, y + low);
    context.lineTo(x + high, y + high);
    if (mark === 'hourglass') context.lineTo(x + low, y + high);
    else context.moveTo(x + low, y + high);
  } else context.moveTo(x + low, y + high);
  context.lineTo(x + high, y + low);
  if (mark === 'hourglass') context.closePath();
  context.stroke();
}
