// The stage: a picture together with what one network, or two side by side, say of it.
import type { Answer, View } from '../outputs/kind';
import type { Background } from './background';
import { byId } from './dom';
import { Layer, type Appearance } from './layer';

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
  /** What the network is shown, the picture on show first; it may still wait for its answer. */
  frames: readonly ImageBitmap[] = [];
  private paired = false;
  private look: Appearance = {
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

  /** The picture on show. */
  get frame(): ImageBitmap | null {
    return this.frames[0] ?? null;
  }

  /** What is on show: the pictures and their answers. */
  get shown(): { frames: readonly ImageBitmap[]; answer: Answer; beside: Answer | null } | null {
    const { frames, main, beside } = this;
    return frames.length > 0 && main.answer ? { frames, answer: main.answer, beside: beside.answer } : null;
  }

  get view(): View {
    return this.look.view;
  }

  show(frames: readonly ImageBitmap[], answer: Answer | null, beside: Answer | null = null): void {
    for (const frame of this.frames) if (!frames.includes(frame)) frame.close();
    this.frames = frames;
    this.main.answer = answer;
    this.beside.answer = beside;
    this.panes[0].box.hidden = frames.length === 0;
    this.repaint();
  }

  /** Whether a second network has a say. In the split view it takes the right side of the one picture, else a picture of its own. */
  setPaired(paired: boolean): void {
    this.paired = paired;
    if (!paired) this.beside.answer = null;
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

  /** Whether there are two pictures: both networks' answers, or the picture before and after. */
  private get inPair(): boolean {
    return this.look.view === 'beside' || (this.paired && this.look.view !== 'split');
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
    this.resize();
    this.draw();
  }

  /** The canvases are as large as the picture, or as the largest answer. */
  private resize(): void {
    const { frame } = this;
    if (!frame) return;
    const sizes = [frame, this.main.size, this.paired ? this.beside.size : null].filter((size) => size !== null);
    const [width, height] = [Math.max(...sizes.map((size) => size.width)), Math.max(...sizes.map((size) => size.height))];
    if (this.canvas.width === width && this.canvas.height === height) return;
    for (const { canvas } of this.panes) [canvas.width, canvas.height] = [width, height];
    this.container.style.setProperty('--aspect', String(width / height));
    this.fit();
  }

  private draw(): void {
    const { beside, frame, look, main, panes } = this;
    if (!frame) return;
    const [left, right] = panes.map((each) => each.context);
    if (look.view === 'split') {
      if (this.paired) main.draw(left, frame, look, 0, look.split);
      else left.drawImage(frame, 0, 0, this.canvas.width, this.canvas.height);
      (this.paired ? beside : main).draw(left, frame, look, look.split, 1);
    } else if (this.paired) {
      main.draw(left, frame, look);
      beside.draw(right, frame, look);
    } else if (look.view === 'beside') {
      left.drawImage(frame, 0, 0, this.canvas.width, this.canvas.height);
      main.draw(right, frame, look);
    } else {
      main.draw(left, frame, look);
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
