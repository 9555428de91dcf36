// One visit: which model, which picture, and the way of every frame from its source through the worker to the stage.
import type { Entry } from '../model/catalogue';
import type { InputRange, OutputSpec } from '../model/spec';
import { kindOf } from '../outputs';
import type { AcceleratorChoice, Backend, Framed, Loaded, Place, Precision, Question } from '../protocol';
import { Camera } from './camera';
import { explain } from './failures';
import { InferenceError } from './inference';
import type { Legend } from './legend';
import type { Models } from './models';
import { Networks } from './networks';
import type { Notice } from './notice';
import { closeAll, copyAll, openPicture, type PictureFile } from './pictures';
import { Presentation } from './presentation';
import type { Speed } from './speed';
import type { Stage } from './stage';

/** A picture that takes longer gets a word of comfort. */
const PATIENCE_MS = 300;
/** A measurement of a slow network ends here, with the frames it has by then. */
const LONGEST_MEASUREMENT_MS = 20_000;
const FEWEST_MEASURED = 5;

export interface Parts {
  stage: Stage;
  legend: Legend;
  models: Models;
  speed: Speed;
  notice: Notice;
}

export class Session {
  readonly camera = new Camera();
  readonly networks: Networks;
  /** How near both answers are, in their kind's own measure; null where that cannot be said. */
  agreement: number | null = null;
  /** Milliseconds that each network took for the last picture. */
  ran: Record<Place, number> = { main: 0, beside: 0 };
  frozen = false;
  /** Names of the pictures on the stage, while they are not the camera's. */
  pictureNames: readonly string[] = [];
  private range: InputRange | null = null;
  readonly presentation: Presentation;
  private inFlight = false;
  /** How often a model has been asked for; what an earlier wish brings is no longer wanted. */
  private visit = 0;
  /** The same for pictures and the camera: by the time a picture is open, something else may have been asked for. */
  private wishes = 0;
  /** The wish that brought the picture on the stage; an answer belongs to the picture that it names. */
  private picture = 0;
  /** The question whose answer is on show. */
  private answered: Question | null = null;
  private wake = false;
  /** Called when anything a button or a label shows may have changed. */
  onChange: () => void = () => {};

  constructor(private parts: Parts, least: number) {
    this.networks = new Networks(parts.notice);
    this.presentation = new Presentation(parts.stage, parts.legend, this.networks, least);
    this.networks.onBackend = () => this.onChange();
    this.networks.onLoaded = (place) => this.introduce(place);
    this.camera.onFrame = () => void this.nextCameraFrame();
    document.addEventListener('visibilitychange', () => void this.visibility());
  }

  get backend(): Backend | null {
    return this.networks.backend;
  }

  get entry(): Entry | null {
    return this.networks.entries.main;
  }

  get beside(): Entry | null {
    return this.networks.entries.beside;
  }

  get loaded(): Loaded | null {
    return this.networks.loaded.main;
  }

  get loadedBeside(): Loaded | null {
    return this.networks.loaded.beside;
  }

  /** How often a picture or the camera has been asked for. */
  get asked(): number {
    return this.wishes;
  }

  /** Whether what is on show answers what is asked now: not while a picture, a model or an answer is on its way. */
  get settled(): boolean {
    const { answered, inFlight, parts } = this;
    return !inFlight && this.picture === this.wishes && parts.stage.shown !== null && answered !== null && this.wanted(answered);
  }

  /** What the answer on show means. */
  get spec(): OutputSpec | null {
    return this.networks.spec('main');
  }

  /** Which of the model's outputs is on show. */
  get output(): number {
    return this.networks.output;
  }

  /** How many pictures the networks look at together. */
  get frames(): number {
    return this.networks.frames;
  }

  async use(entry: Entry): Promise<void> {
    const visit = ++this.visit;
    const { legend, models, notice, speed, stage } = this.parts;
    const { networks } = this;
    networks.entries.main = entry;
    networks.loaded.main = null;
    this.range = null;
    networks.output = 0;
    this.agreement = null;
    this.mark('loading');
    models.choose(entry);
    legend.clear();
    stage.show(stage.frames, null);
    speed.clear();
    notice.clear();
    try {
      await networks.ensureStarted();
      if (visit !== this.visit) return;
      await networks.load('main');
      if (visit !== this.visit) return;
      await this.loadBeside();
      if (visit !== this.visit) return;
      notice.busy(null);
      if (!this.loaded!.whole) notice.warn('partly');
      else if (this.loaded!.slow) notice.warn('slowHalves');
      this.mark('ready');
      this.onChange();
      await this.again();
    } catch (error) {
      if (visit === this.visit) this.fail(error);
    }
  }

  /** Shows what a second model says beside the first one's answer; null ends that. */
  async compare(entry: Entry | null): Promise<void> {
    const { networks } = this;
    networks.entries.beside = entry;
    networks.loaded.beside = null;
    this.agreement = null;
    this.parts.models.chooseBeside(entry);
    if (!this.entry) return;
    this.mark('loading');
    if (!entry) {
      this.parts.stage.setPaired(false);
      await networks.unload('beside');
    }
    // Both anew: a GPU that refuses the second model costs the first its place, too.
    await this.use(this.entry);
  }

  /** Which rows of the legend are not shown; the second model's may be others. */
  setHidden(hidden: ReadonlySet<number>): void {
    const other = this.networks.spec('beside');
    const own = other && !this.networks.comparable ? new Set(kindOf(other).hidden(other)) : hidden;
    this.parts.stage.setHidden(hidden, own);
  }

  async chooseOutput(output: number): Promise<void> {
    this.networks.output = output;
    this.introduce('main');
    await this.again();
  }

  async chooseAccelerator(choice: AcceleratorChoice): Promise<void> {
    this.networks.choose(choice);
    if (this.entry) await this.use(this.entry);
  }

  async choosePrecision(precision: Precision): Promise<void> {
    this.networks.precision = precision;
    if (this.entry) await this.use(this.entry);
  }

  async chooseRange(range: InputRange): Promise<void> {
    this.range = range;
    await this.again();
  }

  /** Opens pictures, several for a network that looks at several, and asks for their answer; a later wish overtakes an earlier one. */
  async showPictures(files: readonly PictureFile[]): Promise<void> {
    const wish = ++this.wishes;
    this.stopCamera();
    // A model that failed is still the reason why there is no mask.
    if (this.loaded) this.parts.notice.clear();
    if (!this.entry) this.parts.notice.warn('noModels');
    try {
      const pictures = await Promise.all(files.map(openPicture));
      if (wish !== this.wishes) return closeAll(pictures);
      this.picture = wish;
      this.pictureNames = files.map((file) => file.name);
      // On the stage at once: should another model be chosen before the answer is there, that one answers for this picture.
      this.parts.stage.show(pictures, null);
      this.onChange();
      await this.again();
    } catch (error) {
      if (wish === this.wishes) this.fail(error);
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
    const question = this.question();
    if (!stage.shown || !question) return;
    const wasFrozen = this.frozen;
    this.frozen = true;
    try {
      let done = 0;
      for (const end = performance.now() + patience; done < count; done++) {
        if (done >= FEWEST_MEASURED && performance.now() > end) break;
        progress(done);
        const began = performance.now();
        const frames = await copyAll(stage.frames);
        await this.process(frames, performance.now() - began, question);
        if (!this.wanted(question)) return;
      }
      speed.conclude(done);
    } finally {
      this.frozen = wasFrozen;
    }
  }

  /** Makes a network that has just been loaded, or another output of it, known to what shows its answers. */
  private introduce(place: Place): void {
    const { legend, models, stage } = this.parts;
    const { loaded, spec } = this;
    const other = this.networks.spec('beside');
    if (other) stage.beside.setSpec(other);
    if (place === 'main' && loaded && spec) {
      this.agreement = null;
      models.setLoaded(loaded);
      stage.main.setSpec(spec);
      legend.setSpec(spec, loaded.card);
    }
    stage.setPaired(other !== null);
    this.onChange();
  }

  /** Loads the second model, where one is chosen and not there yet. One that fails is no longer chosen; the first one stays. */
  private async loadBeside(): Promise<void> {
    const { networks } = this;
    const { beside } = networks.entries;
    if (!beside || networks.loaded.beside) return;
    try {
      await networks.load('beside');
    } catch (error) {
      if (beside !== networks.entries.beside) return;
      if (!networks.loaded.main) throw error;
      networks.entries.beside = null;
      this.parts.models.chooseBeside(null);
      this.parts.stage.setPaired(false);
      this.warn(error);
    }
  }

  private async openCamera(open: () => Promise<void>): Promise<void> {
    const wish = ++this.wishes;
    this.parts.notice.clear();
    this.frozen = false;
    try {
      await open();
      if (wish !== this.wishes) return;
      this.picture = wish;
      this.pictureNames = [];
      this.parts.speed.clear();
    } catch (error) {
      if (wish === this.wishes) this.fail(error);
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
    const question = this.question();
    if (this.inFlight || this.frozen || !question) return;
    this.inFlight = true;
    try {
      const began = performance.now();
      const frames = await this.camera.take(this.frames);
      if (frames) await this.process(frames, performance.now() - began, question);
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
  async again(): Promise<void> {
    const { stage } = this.parts;
    const question = this.question();
    if (!stage.frame || (this.camera.open && !this.frozen) || !question) return;
    await this.process(await copyAll(stage.frames), 0, question);
  }

  private question(): Question | null {
    return this.networks.question(this.picture, this.range, this.camera.open);
  }

  /** Whether the answer to a question is still of use: not once another picture, model or output has been chosen. */
  private wanted(question: Question): boolean {
    return JSON.stringify(question) === JSON.stringify(this.question());
  }

  private async process(frames: ImageBitmap[], capture: number, question: Question): Promise<void> {
    if (!this.wanted(question)) return closeAll(frames);
    const { notice } = this.parts;
    const patience = setTimeout(() => notice.busy('thinking'), PATIENCE_MS);
    let framed: Framed;
    try {
      framed = await this.networks.frame(frames, question);
    } catch (error) {
      if (!this.wanted(question)) return; // the worker it was sent to has been ended on purpose
      await this.recover(error);
      return;
    } finally {
      clearTimeout(patience);
      if (this.wanted(question)) notice.busy(null);
    }
    if (this.wanted(framed.question)) this.show(framed, capture);
    else closeAll(framed.frames);
  }

  /** A GPU lost in mid-flight takes the frames with it: the processor gets another copy of what is on the stage. */
  private async recover(error: unknown): Promise<void> {
    const { notice, stage } = this.parts;
    if (this.camera.open || !stage.frame || !(await this.networks.rescue(error))) throw error;
    await this.loadBeside();
    notice.busy(null);
    await this.again();
  }

  private show(framed: Framed, capture: number): void {
    const began = performance.now();
    this.presentation.show(framed);
    this.parts.speed.add({ capture, ...framed.timings, draw: performance.now() - began }, framed.memory);
    this.agreement = framed.agreement;
    this.ran = { main: framed.timings.run, beside: framed.beside?.timings.run ?? 0 };
    this.answered = framed.question;
    const root = document.documentElement;
    root.dataset.frames = String(Number(root.dataset.frames ?? 0) + 1);
    this.onChange();
  }

  private mark(state: 'loading' | 'ready' | 'failed'): void {
    document.documentElement.dataset.state = state;
  }

  /** Says in words what went wrong. */
  private warn(error: unknown): void {
    const { notice } = this.parts;
    notice.busy(null);
    const { word, values } = explain(error);
    notice.warn(word, values);
  }

  private fail(error: unknown): void {
    this.warn(error);
    if (error instanceof InferenceError) this.mark('failed');
    this.onChange();
  }
}
