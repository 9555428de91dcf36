// Stacked columns, one a frame: where the milliseconds went.
import type { Timings } from '../protocol';
import { milliseconds } from './words';

export const STAGES = ['capture', 'prepare', 'run', 'finish', 'draw'] as const satisfies readonly (keyof Timings)[];
const COLUMN = 6;
const GAP = 2;

function scaleOf(highest: number): number {
  const power = 10 ** Math.floor(Math.log10(highest));
  return [1, 2, 5, 10].map((factor) => factor * power).find((mark) => mark >= highest)!;
}

export class Chart {
  private context: CanvasRenderingContext2D;

  constructor(private canvas: HTMLCanvasElement) {
    this.context = canvas.getContext('2d')!;
  }

  /** How many frames there is room for. */
  get room(): number {
    return Math.max(1, Math.floor(this.canvas.clientWidth / (COLUMN + GAP)));
  }

  draw(frames: readonly Timings[]): void {
    const { canvas, context } = this;
    const density = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (width === 0) return;
    canvas.width = Math.round(width * density);
    canvas.height = Math.round(height * density);
    context.scale(density, density);
    const style = getComputedStyle(canvas);
    const totals = frames.map((frame) => STAGES.reduce((sum, stage) => sum + frame[stage], 0));
    const top = scaleOf(Math.max(1, ...totals));
    context.fillStyle = style.borderTopColor;
    for (const share of [0, 0.5, 1]) context.fillRect(0, Math.round((height - 1) * share), width, 1);
    // The legend's keys hold the colours: they follow the theme.
    const colours = STAGES.map((stage) => {
      const key = document.querySelector(`.key-${stage}`);
      return key ? getComputedStyle(key).backgroundColor : style.color;
    });
    frames.slice(-this.room).forEach((frame, index, shown) => {
      const x = width - (shown.length - index) * (COLUMN + GAP);
      let y = height;
      for (const [order, stage] of STAGES.entries()) {
        const length = (frame[stage] / top) * height;
        context.fillStyle = colours[order];
        context.fillRect(x, y - length, COLUMN, length);
        y -= length;
      }
    });
    context.fillStyle = style.color;
    context.font = `11px ${style.fontFamily}`;
    context.fillText(milliseconds(top), 2, 12);
  }
}
