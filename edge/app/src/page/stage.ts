// The stage: a picture together with what one network, or two side by side, say of it.
import type { Answer } from '../protocol';
import type { Background } from './background';
import { byId } from './dom';
import { Layer, type Look, type View } from './layer';

/** Pixels between two pictures on the stage. */
const GAP = 8;

interface Pane {
  box: HTMLElement;
  canvas: HTMLCanvasElement;
  context: CanvasRenderingContext2D;
}

function pane(box: string, canvas: string): Pane {
  const element = byId<HTMLCanvasElement>(canvas);
  return { box: byId(box), canvas: element, context: element.getContext('2d')! };
}

export class Stage {
  readonly main = new Layer();
  readonly beside = new Layer();
  private panes = [pane('picture', 'canvas'), pane('picture-beside', 'canvas-beside')] as const;
  private container = byId('stage');
  private divider = byId('divider');
  /** The picture on show; it may still wait for its answer. */
  frame: ImageBitmap | null = null;
  private paired = false;
  private look: Look = {
    view: 'overlay',
    opacity: 0.6,
    split: 0.5,
    background: { style: 'blur', colour: '#1f6b4e', picture: null },
  };

  constructor() {
    new ResizeObserver(() => this.fit()).observe(this.container);
    this.panes[0].box.addEventListener('pointerdown', (event) => this.drag(event));
    this.divider.addEventListener('keydown', (event) => this.nudge(event));
  }

  get canvas(): HTMLCanvasElement {
    return this.panes[0].canvas;
  }

  /** What is on show: the picture and its answers. */
  get shown(): { frame: ImageBitmap; answer: Answer; beside: Answer | null } | null {
    const { frame, main, beside } = this;
    return frame && main.answer ? { frame, answer: main.answer, beside: beside.answer } : null;
  }

  show(frame: ImageBitmap, answer: Answer | null, beside: Answer | null = null): void {
    if (this.frame !== frame) this.frame?.close();
    this.frame = frame;
    this.main.answer = answer;
    this.beside.answer = beside;
    this.panes[0].box.hidden = false;
    if (this.canvas.width !== frame.width || this.canvas.height !== frame.height) {
      for (const { canvas } of this.panes) [canvas.width, canvas.height] = [frame.width, frame.height];
      this.container.style.setProperty('--aspect', String(frame.width / frame.height));
      this.fit();
    }
    this.repaint();
  }

  /** Whether a second network has a say. In the split view it takes the right side of the one picture, else a picture of its own. */
  setPaired(paired: boolean): void {
    this.paired = paired;
    this.panes[0].box.dataset.paired = String(paired);
    this.place();
  }

  setHidden(hidden: ReadonlySet<number>, hiddenBeside: ReadonlySet<number>): void {
    this.main.setHidden(hidden);
    this.beside.setHidden(hiddenBeside);
    this.repaint();
  }

  setView(view: View): void {
    this.look.view = view;
    this.panes[0].box.dataset.view = view;
    this.place();
  }

  setOpacity(opacity: number): void {
    this.look.opacity = opacity;
    this.draw();
  }

  setBackground(background: Background): void {
    this.look.background = background;
    this.draw();
  }

  /** The stage as it is, two pictures in one where there are two. */
  toBlob(): Promise<Blob> {
    const { width, height } = this.canvas;
    const sources = this.inPair ? this.panes : this.panes.slice(0, 1);
    const canvas = new OffscreenCanvas(width * sources.length + GAP * (sources.length - 1), height);
    const context = canvas.getContext('2d')!;
    sources.forEach((source, index) => context.drawImage(source.canvas, index * (width + GAP), 0));
    return canvas.convertToBlob({ type: 'image/png' });
  }

  private get inPair(): boolean {
    return this.paired && this.look.view !== 'split';
  }

  private place(): void {
    this.panes[1].box.hidden = !this.inPair;
    this.container.classList.toggle('paired', this.inPair);
    this.fit();
    this.repaint();
  }

  private repaint(): void {
    this.main.paint(this.look.view);
    if (this.paired) this.beside.paint(this.look.view);
    this.draw();
  }

  private draw(): void {
    const { beside, frame, look, main, panes } = this;
    if (!frame) return;
    if (look.view !== 'split') {
      main.draw(panes[0].context, frame, look);
      if (this.paired) beside.draw(panes[1].context, frame, look);
    } else if (this.paired) {
      main.draw(panes[0].context, frame, look, 0, look.split);
      beside.draw(panes[0].context, frame, look, look.split, 1);
    } else {
      panes[0].context.drawImage(frame, 0, 0);
      main.draw(panes[0].context, frame, look, look.split, 1);
    }
  }

  /** Gives the pictures the largest size that the stage has room for: one above the other where that is larger. */
  private fit(): void {
    const { clientWidth, clientHeight } = this.container;
    const { width, height } = this.canvas;
    const scaleOf = (columns: number, rows: number) =>
      Math.min((clientWidth - GAP * (columns - 1)) / (columns * width), (clientHeight - GAP * (rows - 1)) / (rows * height));
    const [across, down] = [scaleOf(2, 1), scaleOf(1, 2)];
    this.container.classList.toggle('stacked', down > across);
    const scale = this.inPair ? Math.max(across, down) : scaleOf(1, 1);
    for (const { box } of this.panes) {
      box.style.width = `${Math.floor(width * scale)}px`;
      box.style.height = `${Math.floor(height * scale)}px`;
    }
  }

  private setSplit(share: number): void {
    this.look.split = Math.min(1, Math.max(0, share));
    const percent = Math.round(this.look.split * 100);
    this.divider.style.left = `${percent}%`;
    this.divider.setAttribute('aria-valuenow', String(percent));
    this.draw();
  }

  private drag(down: PointerEvent): void {
    if (this.look.view !== 'split' || down.button !== 0) return;
    const { box } = this.panes[0];
    const follow = (event: PointerEvent) => {
      const { left, width } = box.getBoundingClientRect();
      this.setSplit((event.clientX - left) / width);
    };
    const release = () => box.removeEventListener('pointermove', follow);
    box.setPointerCapture(down.pointerId);
    box.addEventListener('pointermove', follow);
    box.addEventListener('pointerup', release, { once: true });
    box.addEventListener('pointercancel', release, { once: true });
    follow(down);
    this.divider.focus({ preventScroll: true });
  }

  private nudge(event: KeyboardEvent): void {
    const steps: Record<string, number> = { ArrowLeft: -0.02, ArrowRight: 0.02, PageDown: -0.1, PageUp: 0.1, Home: -1, End: 1 };
    if (!(event.key in steps)) return;
    event.preventDefault();
    this.setSplit(this.look.split + steps[event.key]);
  }
}
