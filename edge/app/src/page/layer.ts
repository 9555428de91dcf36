// What one network says of the picture, painted as the view asks.
import type { OutputSpec } from '../model/spec';
import { kindOf } from '../outputs';
import type { Answer, Size, View } from '../outputs/kind';
import { drawBackground, type Background } from './background';

/** How answers are shown; the same for all layers. */
export interface Appearance {
  view: View;
  opacity: number;
  /** Where the divider stands, as a share of the width. */
  split: number;
  background: Background;
}

export class Layer {
  private spec: OutputSpec | null = null;
  private hidden: ReadonlySet<number> = new Set();
  private painting: OffscreenCanvas | null = null;
  answer: Answer | null = null;

  setSpec(spec: OutputSpec): void {
    this.spec = spec;
    this.answer = null;
    this.painting = null;
  }

  setHidden(hidden: ReadonlySet<number>): void {
    this.hidden = hidden;
  }

  /** The painted answer's size, which may be larger than the picture; null where there is nothing to look at. */
  get size(): Size | null {
    return this.painting;
  }

  /** Prepares the answer for `draw`; anew whenever the answer, the view or what is hidden is another. */
  paint(view: View): void {
    const { answer, spec, hidden } = this;
    this.painting = answer && spec && kindOf(spec).paint(answer, spec, { view, hidden });
  }

  /** Draws the picture, and the answer over its part between `from` and `to`, as shares of the width. */
  draw(context: CanvasRenderingContext2D, frame: ImageBitmap, appearance: Appearance, from = 0, to = 1): void {
    const { painting, spec } = this;
    const { width, height } = context.canvas;
    context.save();
    context.beginPath();
    context.rect(from * width, 0, (to - from) * width, height);
    context.clip();
    context.drawImage(frame, 0, 0, width, height);
    if (painting && appearance.view === 'background') drawBackground(context, frame, painting, appearance.background);
    else if (painting && spec) {
      const solid = kindOf(spec).opaque || appearance.view === 'mask' || appearance.view === 'beside';
      context.globalAlpha = solid ? 1 : appearance.opacity;
      context.drawImage(painting, 0, 0, width, height);
    }
    context.restore();
  }

  /** The answer as a file of its kind; null while there is none. */
  async file(): Promise<{ blob: Blob; ending: string } | null> {
    const { answer, spec } = this;
    return answer && spec && kindOf(spec).file(answer, spec);
  }
}
