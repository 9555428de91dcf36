// The networks in the worker: which files, which of their outputs, on which accelerator. What the GPU refuses goes to the processor.
import type { Entry } from '../model/catalogue';
import type { InputRange, OutputSpec } from '../model/spec';
import { alike } from '../outputs';
import type { Answer } from '../outputs/kind';
import type { AcceleratorChoice, Backend, Failure, Framed, Loaded, Place, Precision, Question, WritingOrder } from '../protocol';
import { isAsked, type Asked } from '../text/asked';
import { Inference, InferenceError } from './inference';
import { titleOf } from './models';
import type { Notice } from './notice';

/** The GPU's failures at which the processor may do better. */
const WORTH_ANOTHER_TRY: ReadonlySet<Failure> = new Set(['start', 'compile', 'run']);

export class Networks {
  backend: Backend | null = null;
  /** The files that are wanted; `beside` is a second one, whose answer stands beside the first one's. */
  readonly entries: Record<Place, Entry | null> = { main: null, beside: null };
  /** What of them is there. */
  readonly loaded: Record<Place, Loaded | null> = { main: null, beside: null };
  precision: Precision = 'fp32';
  /** The main network's output on show, as its card counts them. */
  output = 0;
  /** What is asked of networks that are asked in words; null while there is nothing that they all understand. */
  asked: Asked | null = null;
  private choice: AcceleratorChoice = 'auto';
  private inference = new Inference();
  /** Loads asked for in each place: only the last one counts. */
  private loads: Record<Place, number> = { main: 0, beside: 0 };
  /** Whether a file failed in this worker. LiteRT.js keeps the threads of such a file, and once there are none left waits for ever. */
  private spent = false;
  /** Called when a network is there, or another backend is. */
  onLoaded: (place: Place) => void = () => {};
  onBackend: () => void = () => {};

  constructor(private notice: Notice) {}

  /** What the answer in this place means. */
  spec(place: Place): OutputSpec | null {
    const output = place === 'main' ? this.output : this.besideOutput();
    return this.loaded[place]?.card.outputs[output] ?? null;
  }

  /** Whether both networks say the same sort of thing. */
  get comparable(): boolean {
    const [one, other] = [this.spec('main'), this.spec('beside')];
    return one !== null && other !== null && alike(one, other);
  }

  /** How many pictures the networks look at together. */
  get frames(): number {
    return Math.max(1, ...Object.values(this.loaded).map((loaded) => loaded?.card.inputs[0].frames ?? 1));
  }

  /** Whether one of them watches films, of any number of pictures. */
  get watches(): boolean {
    return Object.values(this.loaded).some((loaded) => loaded?.use === 'watch');
  }

  /** What is to be asked of this picture now; null while no network is there that looks at pictures, or one waits for words. */
  question(picture: number, range: InputRange | null, goesOn: boolean): Question | null {
    const { main, beside } = this.loaded;
    if (!main || main.use === 'read' || main.use === 'write') return null;
    const other = beside && { network: beside.id, output: this.besideOutput() };
    const asks = [main, beside].some((each) => each && isAsked(each.card));
    if (asks && !this.asked) return null;
    return { picture, main: { network: main.id, output: this.output }, beside: other, range, asked: asks ? this.asked : null, goesOn };
  }

  choose(choice: AcceleratorChoice): void {
    this.choice = choice;
    this.backend = null;
  }

  /** A GPU that refused one file may take the next, and a file that failed leaves no worker behind for it. */
  async ensureStarted(): Promise<void> {
    if (!this.backend || this.backend.fallback === 'refused' || this.spent) await this.start(this.choice);
  }

  /** Loads the file that is wanted in this place. One that is no longer wanted when it is there is not taken for loaded. */
  async load(place: Place): Promise<void> {
    try {
      await this.request(place);
    } catch (error) {
      this.spent = true;
      if (!this.mayRetry(error)) throw error;
      await this.moveToProcessor(place);
    }
  }

  /** After a failure of the GPU: the main network anew, on the processor; false where that is no help. */
  async rescue(error: unknown): Promise<boolean> {
    if (!this.mayRetry(error)) return false;
    await this.moveToProcessor('main');
    return true;
  }

  async unload(place: Place): Promise<void> {
    this.loaded[place] = null;
    await this.inference.unload(place);
  }

  frame(frames: ImageBitmap[], question: Question): Promise<Framed> {
    return this.inference.frame(frames, question);
  }

  write(order: WritingOrder): Promise<string> {
    return this.inference.write(order);
  }

  /** What the main network says of a sentence. */
  read(text: string): Promise<Answer> {
    return this.inference.read(this.loaded.main!.id, text);
  }

  /** Which output of the second network stands beside the one on show: the same, else one alike, else its first. */
  private besideOutput(): number {
    const outputs = this.loaded.beside?.card.outputs ?? [];
    const spec = this.spec('main');
    const similar = outputs.filter((output) => spec && alike(spec, output));
    const same = similar.find((output) => output.name === spec?.name) ?? similar[0];
    return same ? outputs.indexOf(same) : 0;
  }

  /** Starts anew on the processor, with the networks up to `last`: the main one comes first. */
  private async moveToProcessor(last: Place): Promise<void> {
    await this.start('wasm', true);
    await this.request('main');
    if (last === 'beside') await this.request('beside');
  }

  private async start(choice: AcceleratorChoice, refused = false): Promise<void> {
    this.notice.busy('starting');
    this.loaded.main = this.loaded.beside = null;
    this.spent = false;
    this.backend = await this.inference.start(choice);
    if (refused) this.backend = { ...this.backend, fallback: 'refused' };
    this.onBackend();
  }

  private async request(place: Place): Promise<void> {
    const entry = this.entries[place];
    if (!entry) return;
    const load = ++this.loads[place];
    this.notice.busy('loading', { name: titleOf(entry) });
    // A file is read anew for each load: its bytes move to the worker.
    const [source, encoder] = await Promise.all([entry.source, entry.encoder].map((each) => (each instanceof Blob ? each.arrayBuffer() : each)));
    const { card } = entry;
    const loaded = await this.inference.load({ place, name: titleOf(entry), source: source!, encoder, card, precision: this.precision });
    if (entry !== this.entries[place] || load !== this.loads[place]) return;
    this.loaded[place] = loaded;
    this.onLoaded(place);
  }

  private mayRetry(error: unknown): boolean {
    const gpu = this.choice === 'auto' && this.backend?.accelerator === 'webgpu';
    return gpu && error instanceof InferenceError && WORTH_ANOTHER_TRY.has(error.failure);
  }
}
