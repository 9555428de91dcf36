// What one network says of the picture, painted as the view asks.
import { vocPalette, type Colour } from '../model/palette';
import type { Answer, SegmentationAnswer } from '../protocol';
import { drawBackground, type Background } from './background';

export type View = 'overlay' | 'split' | 'mask' | 'background';

/** How answers are shown; the same for all layers. */
export interface Look {
  view: View;
  opacity: number;
  /** Where the divider stands, as a share of the width. */
  split: number;
  background: Background;
}

/** Behind hidden classes in the mask view. */
const UNSEEN: Colour = [38, 43, 40];
const LITTLE_ENDIAN_ALPHA = 24;

function packed([r, g, b]: Colour, alpha: number): number {
  return ((alpha << LITTLE_ENDIAN_ALPHA) | (b << 16) | (g << 8) | r) >>> 0;
}

function canvasOf(image: ImageData): OffscreenCanvas {
  const canvas = new OffscreenCanvas(image.width, image.height);
  canvas.getContext('2d')!.putImageData(image, 0, 0);
  return canvas;
}

function painted(answer: SegmentationAnswer, colours: Uint32Array): OffscreenCanvas {
  const image = new ImageData(answer.width, answer.height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < pixels.length; i++) pixels[i] = colours[answer.classes[i]];
  return canvasOf(image);
}

export class Layer {
  private palette: Colour[] = vocPalette(256);
  private subject = -1;
  private hidden: ReadonlySet<number> = new Set();
  private mask: OffscreenCanvas | null = null;
  answer: Answer | null = null;

  /** `subject` is the class that the background view keeps, or -1. */
  setModel(palette: Colour[], subject: number): void {
    this.palette = palette;
    this.subject = subject;
  }

  setHidden(hidden: ReadonlySet<number>): void {
    this.hidden = hidden;
  }

  /** Prepares the answer for `draw`; anew whenever the answer, the view or the hidden classes are others. */
  paint(view: View): void {
    const { answer } = this;
    this.mask = null;
    if (answer?.kind === 'field') this.mask = canvasOf(new ImageData(answer.rgba, answer.width, answer.height));
    if (answer?.kind !== 'segmentation') return;
    if (view === 'background') {
      const subject = Uint32Array.from({ length: 256 }, (_, index) => (index === this.subject ? 0xffffffff : 0));
      this.mask = painted(answer, subject);
    } else {
      this.mask = painted(answer, this.colours(this.hidden, view === 'mask' ? 255 : 0));
    }
  }

  /** Draws the picture, and the answer over its part between `from` and `to`, as shares of the width. */
  draw(context: CanvasRenderingContext2D, frame: ImageBitmap, look: Look, from = 0, to = 1): void {
    const { mask } = this;
    context.save();
    context.beginPath();
    context.rect(from * frame.width, 0, (to - from) * frame.width, frame.height);
    context.clip();
    context.drawImage(frame, 0, 0);
    if (mask && look.view === 'background') drawBackground(context, frame, mask, look.background);
    else if (mask) {
      context.globalAlpha = look.view === 'mask' ? 1 : look.opacity;
      context.drawImage(mask, 0, 0);
    }
    context.restore();
  }

  /** The answer alone, every class in its colour; null where there is nothing of the kind. */
  async maskBlob(): Promise<Blob | null> {
    const { answer } = this;
    if (answer?.kind === 'segmentation') return painted(answer, this.colours(new Set(), 255)).convertToBlob({ type: 'image/png' });
    return answer?.kind === 'field' && this.mask ? this.mask.convertToBlob({ type: 'image/png' }) : null;
  }

  private colours(hidden: ReadonlySet<number>, hiddenAlpha: number): Uint32Array {
    return Uint32Array.from({ length: 256 }, (_, index) =>
      hidden.has(index) ? packed(UNSEEN, hiddenAlpha) : packed(this.palette[index] ?? [255, 255, 255], 255),
    );
  }
}
