// The stage: one canvas that shows a picture together with what the network said of it.
import { vocPalette, type Colour } from '../model/palette';
import type { Answer, SegmentationAnswer } from '../protocol';
import { drawBackground, type Background } from './background';
import { byId } from './dom';

export type View = 'overlay' | 'split' | 'mask' | 'background';

/** Behind hidden classes in the mask view. */
const UNSEEN: Colour = [38, 43, 40];
const LITTLE_ENDIAN_ALPHA = 24;

function packed([r, g, b]: Colour, alpha: number): number {
  return ((alpha << LITTLE_ENDIAN_ALPHA) | (b << 16) | (g << 8) | r) >>> 0;
}

function painted(answer: SegmentationAnswer, colours: Uint32Array): OffscreenCanvas {
  const canvas = new OffscreenCanvas(answer.width, answer.height);
  const image = new ImageData(answer.width, answer.height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < pixels.length; i++) pixels[i] = colours[answer.classes[i]];
  canvas.getContext('2d')!.putImageData(image, 0, 0);
  return canvas;
}

export class Stage {
  readonly canvas = byId<HTMLCanvasElement>('canvas');
  private context = this.canvas.getContext('2d')!;
  private container = byId('stage');
  private picture = byId('picture');
  private divider = byId('divider');
  /** The picture on show; it may still wait for its answer. */
  frame: ImageBitmap | null = null;
  private answer: Answer | null = null;
  private mask: OffscreenCanvas | null = null;
  private palette: Colour[] = vocPalette(256);
  private hidden: ReadonlySet<number> = new Set();
  private view: View = 'overlay';
  private opacity = 0.6;
  private split = 0.5;
  private subject = -1;
  private background: Background = { style: 'blur', colour: '#1f6b4e', picture: null };

  constructor() {
    new ResizeObserver(() => this.fit()).observe(this.container);
    this.picture.addEventListener('pointerdown', (event) => this.drag(event));
    this.divider.addEventListener('keydown', (event) => this.nudge(event));
  }

  /** What is on show: the picture and its answer. */
  get shown(): { frame: ImageBitmap; answer: Answer } | null {
    return this.frame && this.answer ? { frame: this.frame, answer: this.answer } : null;
  }

  show(frame: ImageBitmap, answer: Answer | null): void {
    if (this.frame !== frame) this.frame?.close();
    this.frame = frame;
    this.answer = answer;
    this.picture.hidden = false;
    if (this.canvas.width !== frame.width || this.canvas.height !== frame.height) {
      this.canvas.width = frame.width;
      this.canvas.height = frame.height;
      this.container.style.setProperty('--aspect', String(frame.width / frame.height));
      this.fit();
    }
    this.repaint();
  }

  setModel(palette: Colour[], subject: number): void {
    this.palette = palette;
    this.subject = subject;
  }

  setHidden(hidden: ReadonlySet<number>): void {
    this.hidden = hidden;
    this.repaint();
  }

  setView(view: View): void {
    this.view = view;
    this.picture.dataset.view = view;
    this.repaint();
  }

  setOpacity(opacity: number): void {
    this.opacity = opacity;
    this.draw();
  }

  setBackground(background: Background): void {
    this.background = background;
    this.draw();
  }

  toBlob(): Promise<Blob | null> {
    return new Promise((resolve) => this.canvas.toBlob(resolve, 'image/png'));
  }

  /** The mask alone in its palette, every class shown. */
  async maskBlob(): Promise<Blob | null> {
    if (this.answer?.kind !== 'segmentation') return null;
    return painted(this.answer, this.colours(new Set(), 255)).convertToBlob({ type: 'image/png' });
  }

  private colours(hidden: ReadonlySet<number>, hiddenAlpha: number): Uint32Array {
    return Uint32Array.from({ length: 256 }, (_, index) =>
      hidden.has(index) ? packed(UNSEEN, hiddenAlpha) : packed(this.palette[index] ?? [255, 255, 255], 255),
    );
  }

  private repaint(): void {
    this.mask = null;
    if (this.answer?.kind === 'segmentation') {
      if (this.view === 'background') {
        const subject = Uint32Array.from({ length: 256 }, (_, index) => (index === this.subject ? 0xffffffff : 0));
        this.mask = painted(this.answer, subject);
      } else {
        this.mask = painted(this.answer, this.colours(this.hidden, this.view === 'mask' ? 255 : 0));
      }
    }
    this.draw();
  }

  private draw(): void {
    const { context, frame, mask } = this;
    if (!frame) return;
    context.globalAlpha = 1;
    context.drawImage(frame, 0, 0);
    if (!mask) return;
    if (this.view === 'background') {
      drawBackground(context, frame, mask, this.background);
      return;
    }
    context.save();
    if (this.view === 'split') {
      context.beginPath();
      context.rect(this.split * frame.width, 0, frame.width, frame.height);
      context.clip();
    }
    context.globalAlpha = this.view === 'mask' ? 1 : this.opacity;
    context.drawImage(mask, 0, 0);
    context.restore();
  }

  /** Gives the picture the largest size that the stage has room for. */
  private fit(): void {
    const { clientWidth, clientHeight } = this.container;
    const { width, height } = this.canvas;
    const scale = Math.min(clientWidth / width, clientHeight / height);
    this.picture.style.width = `${Math.floor(width * scale)}px`;
    this.picture.style.height = `${Math.floor(height * scale)}px`;
  }

  private setSplit(share: number): void {
    this.split = Math.min(1, Math.max(0, share));
    const percent = Math.round(this.split * 100);
    this.divider.style.left = `${percent}%`;
    this.divider.setAttribute('aria-valuenow', String(percent));
    this.draw();
  }

  private drag(down: PointerEvent): void {
    if (this.view !== 'split' || down.button !== 0) return;
    const follow = (event: PointerEvent) => {
      const box = this.picture.getBoundingClientRect();
      this.setSplit((event.clientX - box.left) / box.width);
    };
    const release = () => this.picture.removeEventListener('pointermove', follow);
    this.picture.setPointerCapture(down.pointerId);
    this.picture.addEventListener('pointermove', follow);
    this.picture.addEventListener('pointerup', release, { once: true });
    this.picture.addEventListener('pointercancel', release, { once: true });
    follow(down);
    this.divider.focus({ preventScroll: true });
  }

  private nudge(event: KeyboardEvent): void {
    const steps: Record<string, number> = { ArrowLeft: -0.02, ArrowRight: 0.02, PageDown: -0.1, PageUp: 0.1, Home: -1, End: 1 };
    if (!(event.key in steps)) return;
    event.preventDefault();
    this.setSplit(this.split + steps[event.key]);
  }
}
