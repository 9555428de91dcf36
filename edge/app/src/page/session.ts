// One visit: which model, which picture, and the way of every frame from its source through the worker to the stage.
import type { Entry } from '../model/catalogue';
import type { InputRange } from '../model/card';
import type { AcceleratorChoice, Backend, Failure, Framed, Loaded, Place, Precision } from '../protocol';
import { Camera, CameraError } from './camera';
import { Inference, InferenceError } from './inference';
import { backgroundOf, type Legend } from './legend';
import { differenceOf, titleOf, type Models } from './models';
import type { Notice } from './notice';
import { openPicture, UnreadablePicture } from './pictures';
import type { Speed } from './speed';
import type { Stage } from './stage';
import { milliseconds, type Word } from './words';

const FAILURES: Record<Failure, Word> = {
  start: 'failStart',
  fetch: 'failFetch',
  'not-a-model': 'failNotAModel',
  'input-type': 'failInputType',
  shape: 'failShape',
  compile: 'failCompile',
  run: 'failRun',
};
/** The GPU's failures at which the processor may do better. */
const WORTH_ANOTHER_TRY: ReadonlySet<Failure> = new Set(['start', 'compile', 'run']);
/** A picture that takes longer gets a word of comfort. */
const PATIENCE_MS = 300;
/** A measurement of a slow network ends here, with the frames it has by then. */
const LONGEST_MEASUREMENT_MS = 20_000;
const FEWEST_MEASURED = 5;
/** The class that the background view keeps. */
const SUBJECT = /^(person|people|human|foreground|vordergrund|pedestrian)$/i;

export interface Parts {
  stage: Stage;
  legend: Legend;
  models: Models;
  speed: Speed;
  notice: Notice;
}

function subjectOf(loaded: Loaded | null): number {
  return loaded?.card.labels.findIndex((label) => SUBJECT.test(label)) ?? -1;
}

export class Session {
  readonly camera = new Camera();
  backend: Backend | null = null;
  entry: Entry | null = null;
  loaded: Loaded | null = null;
  /** A second model, whose answer stands beside the first one's. */
  beside: Entry | null = null;
  loadedBeside: Loaded | null = null;
  /** The share of the picture on which both say the same; null where that cannot be said. */
  agreement: number | null = null;
  /** Milliseconds that each network took for the last picture. */
  ran: Record<Place, number> = { main: 0, beside: 0 };
  frozen = false;
  private inference = new Inference();
  private choice: AcceleratorChoice = 'auto';
  private precision: Precision = 'fp32';
  private range: InputRange | null = null;
  private inFlight = false;
  private visit = 0;
  /** How many pictures have been opened; the answer for any but the last is no longer wanted. */
  private opened = 0;
  private wake = false;
  /** Called when anything a button or a label shows may have changed. */
  onChange: () => void = () => {};

  constructor(private parts: Parts) {
    this.camera.onFrame = () => void this.nextCameraFrame();
    document.addEventListener('visibilitychange', () => void this.visibility());
  }

  async use(entry: Entry): Promise<void> {
    const visit = ++this.visit;
    const { legend, models, notice, speed, stage } = this.parts;
    this.entry = entry;
    this.loaded = null;
    this.range = null;
    this.mark('loading');
    models.choose(entry);
    legend.clear();
    if (stage.frame) stage.show(stage.frame, null);
    speed.clear();
    notice.clear();
    this.agreement = null;
    try {
      if (!this.backend || this.backend.fallback === 'refused') await this.start(this.choice);
      const loaded = await this.load('main', entry);
      if (visit !== this.visit) return;
      this.loaded = loaded;
      await this.loadBeside();
      if (visit !== this.visit) return;
      notice.busy(null);
      // The second model may have taken both to the processor.
      const { card, whole } = this.loaded;
      models.setLoaded(this.loaded);
      stage.main.setModel(card.palette, this.subject());
      legend.setModel(card);
      if (!whole) notice.warn('partly');
      this.mark('ready');
      this.onChange();
      await this.again();
    } catch (error) {
      if (visit === this.visit) this.fail(error);
    }
  }

  /** Shows what a second model says beside the first one's answer; null ends that. */
  async compare(entry: Entry | null): Promise<void> {
    this.beside = entry;
    this.loadedBeside = null;
    this.agreement = null;
    this.parts.models.chooseBeside(entry);
    if (!this.entry) return;
    this.mark('loading');
    const { stage } = this.parts;
    if (!entry) {
      stage.setPaired(false);
      await this.inference.unload('beside');
    }
    // Both anew: a GPU that refuses the second model costs the first its place, too.
    await this.use(this.entry);
  }

  /** The class that the background view keeps, or -1. */
  subject(): number {
    return subjectOf(this.loaded);
  }

  /** Which classes are not shown; the second model's list of classes may be another one. */
  setHidden(hidden: ReadonlySet<number>): void {
    const beside = this.loadedBeside?.card;
    const own = beside && !this.comparable() ? new Set([backgroundOf(beside)]) : hidden;
    this.parts.stage.setHidden(hidden, own);
  }

  async chooseAccelerator(choice: AcceleratorChoice): Promise<void> {
    this.choice = choice;
    this.backend = null;
    if (this.entry) await this.use(this.entry);
  }

  async choosePrecision(precision: Precision): Promise<void> {
    this.precision = precision;
    if (this.entry) await this.use(this.entry);
  }

  async chooseRange(range: InputRange): Promise<void> {
    this.range = range;
    await this.again();
  }

  async showPicture(source: Blob, name: string): Promise<void> {
    this.stopCamera();
    // A model that failed is still the reason why there is no mask.
    if (this.loaded) this.parts.notice.clear();
    if (!this.entry) this.parts.notice.warn('noModels');
    try {
      const picture = await openPicture(source, name);
      this.opened++;
      // On the stage at once: should another model be chosen before the answer is there, that one answers for this picture.
      this.parts.stage.show(picture, null);
      this.onChange();
      await this.again();
    } catch (error) {
      this.fail(error, name);
    }
  }

  async toggleCamera(): Promise<void> {
    if (this.camera.open) {
      this.stopCamera();
      return;
    }
    await this.openCamera(() => this.camera.start());
  }

  async flipCamera(): Promise<void> {
    await this.openCamera(() => this.camera.flip());
  }

  toggleFreeze(): void {
    if (!this.camera.open) return;
    this.frozen = !this.frozen;
    this.onChange();
  }

  /** Runs what is on the stage `count` times, or as often as `patience` (in ms) allows; says before each how many are done. */
  async measure(count: number, progress: (done: number) => void, patience = LONGEST_MEASUREMENT_MS): Promise<void> {
    const { speed, stage } = this.parts;
    if (!stage.shown || !this.loaded) return;
    const current = this.current();
    const wasFrozen = this.frozen;
    this.frozen = true;
    try {
      let done = 0;
      for (const end = performance.now() + patience; done < count; done++) {
        if (done >= FEWEST_MEASURED && performance.now() > end) break;
        progress(done);
        const began = performance.now();
        const copy = await createImageBitmap(stage.frame!);
        await this.process(copy, performance.now() - began);
        if (!current()) return;
      }
      speed.conclude(done);
    } finally {
      this.frozen = wasFrozen;
    }
  }

  private async start(choice: AcceleratorChoice, refused = false): Promise<void> {
    this.parts.notice.busy('starting');
    this.loadedBeside = null;
    this.backend = await this.inference.start(choice);
    if (refused) this.backend = { ...this.backend, fallback: 'refused' };
    this.onChange();
  }

  private async load(place: Place, entry: Entry): Promise<Loaded> {
    this.parts.notice.busy('loading', { name: titleOf(entry) });
    // A file is read anew for each load: its bytes move to the worker.
    const bytes = async () => (typeof entry.source === 'string' ? entry.source : entry.source.arrayBuffer());
    try {
      return await this.inference.load(place, titleOf(entry), await bytes(), entry.card, this.precision);
    } catch (error) {
      if (!this.mayRetry(error)) throw error;
      await this.start('wasm', true);
      if (place === 'beside') this.loaded = await this.load('main', this.entry!);
      return this.inference.load(place, titleOf(entry), await bytes(), entry.card, this.precision);
    }
  }

  /** Loads the second model, where one is chosen and not there yet. One that fails is no longer chosen; the first one stays. */
  private async loadBeside(): Promise<void> {
    const { beside } = this;
    const { models, stage } = this.parts;
    if (beside && !this.loadedBeside) {
      try {
        const loaded = await this.load('beside', beside);
        if (beside !== this.beside) return;
        this.loadedBeside = loaded;
        stage.beside.setModel(loaded.card.palette, subjectOf(loaded));
      } catch (error) {
        this.beside = null;
        models.chooseBeside(null);
        this.warn(error);
      }
    }
    stage.setPaired(this.loadedBeside !== null);
  }

  /** Whether both models know the same classes. */
  private comparable(): boolean {
    const [one, other] = [this.loaded?.card, this.loadedBeside?.card];
    return one?.task === other?.task && one?.labels.join('\n') === other?.labels.join('\n');
  }

  private mayRetry(error: unknown): boolean {
    const gpu = this.choice === 'auto' && this.backend?.accelerator === 'webgpu';
    return gpu && error instanceof InferenceError && WORTH_ANOTHER_TRY.has(error.failure);
  }

  private async openCamera(open: () => Promise<void>): Promise<void> {
    this.parts.notice.clear();
    this.frozen = false;
    try {
      await open();
      this.parts.speed.clear();
    } catch (error) {
      this.fail(error);
    }
    this.onChange();
  }

  private stopCamera(): void {
    this.camera.stop();
    this.frozen = false;
    this.onChange();
  }

  private async visibility(): Promise<void> {
    if (document.hidden && this.camera.open) {
      this.wake = true;
      this.stopCamera();
    } else if (!document.hidden && this.wake) {
      this.wake = false;
      await this.openCamera(() => this.camera.start());
    }
  }

  private async nextCameraFrame(): Promise<void> {
    if (this.inFlight || this.frozen || !this.loaded) return;
    this.inFlight = true;
    try {
      const began = performance.now();
      const bitmap = await this.camera.grab();
      await this.process(bitmap, performance.now() - began);
    } catch (error) {
      // A camera that was closed while its frame was on the way has none to give.
      if (this.camera.open) {
        this.stopCamera();
        this.fail(error);
      }
    } finally {
      this.inFlight = false;
    }
  }

  /** The picture on the stage once more, with the model as it now is. */
  private async again(): Promise<void> {
    const shown = this.parts.stage.frame;
    if (!shown || this.camera.open || !this.loaded) return;
    await this.process(await createImageBitmap(shown), 0);
  }

  private async process(bitmap: ImageBitmap, capture: number): Promise<void> {
    const { legend, notice, speed, stage } = this.parts;
    const current = this.current();
    const patience = setTimeout(() => notice.busy('thinking'), PATIENCE_MS);
    let framed: Framed;
    try {
      framed = await this.infer(bitmap, current);
    } catch (error) {
      if (!current()) return; // the worker it was sent to has been ended on purpose
      throw error;
    } finally {
      clearTimeout(patience);
      if (current()) notice.busy(null);
    }
    if (!current()) {
      framed.bitmap.close();
      return;
    }
    const began = performance.now();
    const beside = framed.beside?.answer ?? null;
    stage.show(framed.bitmap, framed.answer, beside);
    speed.add({ capture, ...framed.timings, draw: performance.now() - began }, framed.memory);
    legend.setAnswer(framed.answer, this.comparable() ? beside : null);
    this.agreement = framed.agreement;
    this.ran = { main: framed.timings.run, beside: framed.beside?.timings.run ?? 0 };
    const root = document.documentElement;
    root.dataset.frames = String(Number(root.dataset.frames ?? 0) + 1);
    this.onChange();
  }

  private async infer(bitmap: ImageBitmap, current: () => boolean): Promise<Framed> {
    try {
      return await this.inference.frame(bitmap, this.range);
    } catch (error) {
      // A GPU lost in mid-flight takes the bitmap with it: the processor gets another copy of what is on the stage.
      const { frame } = this.parts.stage;
      if (!current() || this.camera.open || !frame || !this.entry || !this.mayRetry(error)) throw error;
      await this.start('wasm', true);
      this.loaded = await this.load('main', this.entry);
      await this.loadBeside();
      this.parts.notice.busy(null);
      return await this.inference.frame(await createImageBitmap(frame), this.range);
    }
  }

  /** The name over a picture when there are two. */
  caption(place: Place): string {
    const [entry, other] = place === 'main' ? [this.entry, this.beside] : [this.beside, this.entry];
    const ran = this.ran[place];
    return entry ? differenceOf(entry, other) + (ran > 0 ? ` · ${milliseconds(ran)}` : '') : '';
  }

  /** Whether what is asked for now is still wanted: not once a model is chosen, or a picture opened, after that. */
  private current(): () => boolean {
    const [visit, opened] = [this.visit, this.opened];
    return () => visit === this.visit && opened === this.opened;
  }

  private mark(state: 'loading' | 'ready' | 'failed'): void {
    document.documentElement.dataset.state = state;
  }

  /** Says in words what went wrong; true when it was the network. */
  private warn(error: unknown, name = ''): boolean {
    const { notice } = this.parts;
    notice.busy(null);
    if (error instanceof CameraError) notice.warn(error.word);
    else if (error instanceof UnreadablePicture) notice.warn('pictureUnreadable', { name });
    else if (error instanceof InferenceError) notice.warn(FAILURES[error.failure], { detail: error.detail });
    else throw error;
    return error instanceof InferenceError;
  }

  private fail(error: unknown, name = ''): void {
    if (this.warn(error, name)) this.mark('failed');
    this.onChange();
  }
}
