// LiteRT's lifetime on this device: choose the accelerator, compile files, run pictures through them. Two networks at most.
import { getGlobalLiteRt, loadAndCompile, loadLiteRt, supportsFeature, type CompiledModel } from '@litertjs/core';
import { guessCard, readCard, type Card } from '../model/card';
import { readGraph, type Graph } from '../model/graph';
import { mixesHalves } from '../model/halves';
import { CHANNELS_FIRST, CHANNELS_LAST } from '../model/layout';
import { alike, isKnown, kindOf } from '../outputs';
import type { Answer } from '../outputs/kind';
import type { AcceleratorChoice, Backend, Failure, Fallback, Framed, Loaded, Loading, NetworkId, Outcome, Place, Precision, Question, Use, WritingOrder } from '../protocol';
import { isAsked } from '../text/asked';
import { readsOf } from '../text/reading';
import { UnknownToken } from '../text/vocabulary';
import { bindOutputs, Network, pictureOf, UnmatchedOutputs, type BoundOutput } from './network';
import { Asker } from './asker';
import { Captioner, WrongEncoder } from './captioner';
import { Judge } from './judge';
import { isBegun, isStep, isWatching, Stepper } from './stepper';
import { Translator } from './translator';
import { Watcher } from './watcher';
import { Writer } from './writer';

/** More threads than this slow small networks down: they wait for each other. */
const MOST_THREADS = 4;
/** A driver that has not answered by then is not waited for. */
const ADAPTER_PATIENCE_MS = 5000;
const FLATBUFFER_MARK = [0x54, 0x46, 0x4c, 0x33]; // "TFL3" at byte 4

export class EngineError extends Error {
  constructor(
    readonly failure: Failure,
    detail: string,
  ) {
    super(detail);
  }
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function findAdapter(choice: AcceleratorChoice): Promise<{ adapter: GPUAdapter | null; fallback: Fallback }> {
  if (choice === 'wasm') return { adapter: null, fallback: null };
  // Absent from insecure pages and older browsers, whatever its type says.
  const gpu = navigator.gpu as GPU | undefined;
  if (!gpu) return { adapter: null, fallback: 'no-api' };
  const late = new Promise<null>((resolve) => setTimeout(() => resolve(null), ADAPTER_PATIENCE_MS));
  const adapter = await Promise.race([gpu.requestAdapter({ powerPreference: 'high-performance' }), late]);
  return { adapter, fallback: adapter ? null : 'no-adapter' };
}

function describe(info: GPUAdapterInfo): string {
  return info.description || [info.vendor, info.architecture].filter(Boolean).join(' ');
}

interface EmscriptenOptions {
  locateFile(file: string): string;
  mainScriptUrlOrBlob: string;
  print(text: string): void;
  printErr(text: string): void;
}

/** What LiteRT's loader reads from the global scope: where its files are, and where its remarks go. */
function prepareLoader(folder: string): void {
  const options: EmscriptenOptions = {
    locateFile: (file) => folder + file,
    mainScriptUrlOrBlob: `${folder}litert_wasm_threaded_internal.js`,
    // LiteRT tells of its delegates on stderr; that is no error.
    print: (text) => console.debug(text),
    printErr: (text) => console.debug(text),
  };
  (self as unknown as { Module: EmscriptenOptions }).Module = options;
}

async function canUseThreads(): Promise<boolean> {
  if (!self.crossOriginIsolated || navigator.hardwareConcurrency < 2) return false;
  return (await supportsFeature('relaxedSimd')) && (await supportsFeature('threads'));
}

async function readBytes(source: string | ArrayBuffer): Promise<Uint8Array<ArrayBuffer>> {
  if (typeof source !== 'string') return new Uint8Array(source);
  let response: Response;
  try {
    response = await fetch(source);
  } catch (error) {
    throw new EngineError('fetch', message(error));
  }
  if (!response.ok) throw new EngineError('fetch', `${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}

function graphOf(bytes: Uint8Array<ArrayBuffer>, name: string): Graph {
  const graph = FLATBUFFER_MARK.every((byte, at) => bytes[4 + at] === byte) ? readGraph(bytes) : null;
  if (!graph) throw new EngineError('not-a-model', name);
  return graph;
}

function heapBytes(): number {
  // Emscripten's view of its memory; its declaration is not among LiteRT's exported types.
  const { HEAPU8 } = getGlobalLiteRt().liteRtWasm as unknown as { HEAPU8: Uint8Array };
  return HEAPU8.byteLength;
}

function shapesOf(model: CompiledModel): string {
  const [inputs, outputs] = [model.getInputDetails(), model.getOutputDetails()];
  return `${inputs.map(({ shape }) => `[${shape}]`).join(' ')} → ${outputs.map(({ shape }) => `[${shape}]`).join(' ')}`;
}

/** Whether each input that takes words has room for the card's lines of them. */
function fitsTexts(model: CompiledModel, card: Card): boolean {
  const details = new Map(model.getInputDetails().map((each) => [each.name, each]));
  return card.inputs.slice(1).every(({ name, size }) => {
    const [own, [lines, words]] = [details.get(name), size ?? [0, 0]];
    return own?.dtype === 'float32' && own.shape.reduce((product, side) => product * side, 1) === lines * words;
  });
}

/** Whether the model takes what the card says: pictures of any size, grey or in colours, one or more along the channels, alone or with words. */
function fits(model: CompiledModel, card: Card): boolean {
  const inputs = model.getInputDetails();
  const [spec] = card.inputs;
  const own = spec.channels / spec.frames;
  const { shape } = pictureOf(model, card);
  const planes = spec.layout === CHANNELS_LAST || spec.layout === CHANNELS_FIRST;
  if (inputs.length !== card.inputs.length || shape.length !== 4 || !planes) return false;
  if (inputs.length > 1 && !(isAsked(card) && fitsTexts(model, card))) return false;
  return shape[spec.layout.indexOf('C')] === spec.channels && (own === 1 || own === 3);
}

function outputsOf(card: Card, model: CompiledModel): BoundOutput[] {
  let outputs: BoundOutput[];
  try {
    outputs = bindOutputs(card.outputs, model.getOutputDetails().map(({ name }) => name));
  } catch (error) {
    if (!(error instanceof UnmatchedOutputs)) throw error;
    // Names that the file does not give itself are only those of its tensors; its first output is the one that was judged.
    if (card.source === 'densezoo.json') throw new EngineError('outputs', error.message);
    outputs = [{ spec: card.outputs[0], tensor: 0 }];
  }
  const known = outputs.filter(({ spec }) => isKnown(spec));
  if (known.length > 0) return known;
  if (card.source !== 'densezoo.json') throw new EngineError('shape', shapesOf(model));
  throw new EngineError('kind', card.outputs.map((spec) => spec.kind).join(', '));
}

/** A network that says something of pictures. */
type Looker = Network | Captioner | Asker | Watcher;

/** What the network of that card is for, in that place. */
function useOf(card: Card | null, place: Place): Use {
  if (card === null) return 'look';
  if (isWatching(card)) return 'watch';
  const reads = card.outputs.length > 0 && readsOf(card.outputs[0]) > 0;
  if (isBegun(card)) return reads && place === 'main' ? 'write' : 'look';
  if (isStep(card)) return place === 'main' ? 'write' : 'look';
  return reads && place === 'main' ? 'read' : 'look';
}

export class Engine {
  private backend: Backend | null = null;
  private networks: Record<Place, Looker | null> = { main: null, beside: null };
  /** The network in the main place, where that writes texts. */
  private writer: Writer | Translator | null = null;
  /** The network in the main place, where that judges sentences. */
  private judge: Judge | null = null;
  private canvas = new OffscreenCanvas(1, 1);
  private context = this.canvas.getContext('2d', { willReadFrequently: true })!;

  async start(choice: AcceleratorChoice, folder: string, threads: boolean): Promise<Backend> {
    const { adapter, fallback } = await findAdapter(choice);
    prepareLoader(folder);
    const threaded = !adapter && threads && (await canUseThreads());
    try {
      // Threads and JSPI (which a partly accelerated graph needs) exclude each other.
      if (threaded) await loadLiteRt(folder, { threads: true });
      else await loadLiteRt(folder, { jspi: adapter !== null && (await supportsFeature('jspi')) });
    } catch (error) {
      throw new EngineError('start', message(error));
    }
    this.backend = {
      accelerator: adapter ? 'webgpu' : 'wasm',
      fallback,
      threads: threaded ? Math.min(MOST_THREADS, navigator.hardwareConcurrency) : 1,
      device: adapter ? describe(adapter.info) : '',
    };
    return this.backend;
  }

  async load({ id, place, name, source, encoder, card: listed, precision }: Loading): Promise<Loaded> {
    if (!this.backend) throw new EngineError('start', 'the engine has not been started');
    const bytes = await readBytes(source);
    const graph = graphOf(bytes, name);
    this.unload(place);
    const began = performance.now();
    const model = await this.compile(bytes, precision);
    const models = [model];
    try {
      const own = (await readCard(bytes)) ?? listed;
      const use = useOf(own, place);
      let network: Looker | Writer | Translator | Judge;
      if (own && (isBegun(own) || use === 'watch')) {
        const card = { ...own, name: own.name || name };
        const parts = [await this.describeEncoder(id, name, models, encoder, precision), new Stepper(own, model)] as const;
        if (use === 'write') network = this.writer = new Translator(id, card, ...parts);
        else if (use === 'watch') network = this.networks[place] = new Watcher(id, { ...card, outputs: outputsOf(own, model).map(({ spec }) => spec) }, ...parts);
        else network = this.networks[place] = new Captioner(id, card, ...parts);
      } else if (own && use === 'write') network = this.writer = this.describeWriter(id, own, model);
      else if (use === 'read') network = this.judge = new Judge(this.describeNetwork(id, name, model, graph, own));
      else network = this.networks[place] = this.describe(id, name, model, graph, own);
      const compileMs = performance.now() - began;
      const wasm = this.backend.accelerator === 'wasm';
      const whole = wasm || models.every((each) => each.isFullyAccelerated);
      return { id, card: network.card, bytes: bytes.byteLength, compileMs, whole, use, slow: wasm && mixesHalves(graph) };
    } catch (error) {
      for (const each of models) each.delete();
      throw error;
    }
  }

  /** A network that says something of pictures. */
  private describe(id: NetworkId, name: string, model: CompiledModel, graph: Graph, own: Card | null): Network | Asker {
    const network = this.describeNetwork(id, name, model, graph, own);
    if (isAsked(network.card)) return new Asker(network);
    // The output with the words is of no known kind, or a sentence is read, which has no place beside a picture.
    if (network.card.inputs.length > 1 || readsOf(network.card.outputs[0]) > 0) throw new EngineError('shape', shapesOf(model));
    return network;
  }

  /** The network with all that is known of it: what its card says, else what its tensors let one guess. */
  private describeNetwork(id: NetworkId, name: string, model: CompiledModel, graph: Graph, own: Card | null): Network {
    const output = model.getOutputDetails()[0];
    const input = own ? pictureOf(model, own) : model.getInputDetails()[0];
    // An open side is -1; LiteRT.js resizes none.
    if (input.shape.some((side) => side < 0)) throw new EngineError('size', shapesOf(model));
    const tensor = (name: string, otherwise: number) => graph.names.get(name) ?? otherwise;
    const card = own ?? guessCard(name, graph, tensor(input.name, graph.inputs[0]), tensor(output.name, graph.outputs[0]));
    if (!card || !fits(model, card)) throw new EngineError('shape', shapesOf(model));
    const outputs = outputsOf(card, model);
    const { layout } = card.inputs[0];
    const size: [number, number] = [input.shape[layout.indexOf('H')], input.shape[layout.indexOf('W')]];
    const inputs = [{ ...card.inputs[0], size }, ...card.inputs.slice(1)];
    const described = { ...card, name: card.name || name, inputs, outputs: outputs.map(({ spec }) => spec) };
    const stored = model.getOutputDetails().map(({ name }, index) => graph.tensors[tensor(name, graph.outputs[index])]);
    return new Network(id, described, outputs, model, stored);
  }

  private describeWriter(id: NetworkId, card: Card, model: CompiledModel): Writer {
    const [answer] = outputsOf(card, model);
    if (answer.spec.labels.length === 0) throw new EngineError('shape', shapesOf(model));
    return new Writer(id, { ...card, outputs: [answer.spec] }, new Stepper(card, model));
  }

  /** The encoder of a file of one word, whose model joins `models`. */
  private async describeEncoder(
    id: NetworkId,
    name: string,
    models: CompiledModel[],
    source: string | ArrayBuffer | null,
    precision: Precision,
  ): Promise<Network> {
    if (source === null) throw new EngineError('encoder', name);
    const bytes = await readBytes(source);
    const graph = graphOf(bytes, name);
    const model = await this.compile(bytes, precision);
    models.push(model);
    const own = await readCard(bytes);
    if (!own || own.inputs.length > 1 || !fits(model, own)) throw new EngineError('encoder', shapesOf(model));
    const [input] = model.getInputDetails();
    const size: [number, number] = [input.shape[1], input.shape[2]];
    const described = { ...own, inputs: [{ ...own.inputs[0], size }] };
    const outputs = bindOutputs(own.outputs, model.getOutputDetails().map((each) => each.name));
    const stored = model.getOutputDetails().map((each, index) => graph.tensors[graph.names.get(each.name) ?? graph.outputs[index]]);
    return new Network(id, described, outputs, model, stored);
  }

  /** A part of a text, behind a prompt or behind the part before. */
  async write({ network, prompt, count, sampling, seed }: WritingOrder): Promise<string> {
    const { writer } = this;
    if (writer?.id !== network) throw new EngineError('stale', `network ${network} is not loaded`);
    try {
      if (prompt !== null) await writer.read(prompt, seed);
      return await writer.write(count, sampling);
    } catch (error) {
      throw new EngineError(error instanceof UnknownToken ? 'token' : 'run', message(error));
    }
  }

  /** What is said of a sentence. */
  async readText(network: NetworkId, text: string): Promise<Answer> {
    const { judge } = this;
    if (judge?.id !== network) throw new EngineError('stale', `network ${network} is not loaded`);
    try {
      return await judge.judge(text);
    } catch (error) {
      throw new EngineError(error instanceof UnknownToken ? 'token' : 'run', message(error));
    }
  }

  private async compile(bytes: Uint8Array, precision: Precision): Promise<CompiledModel> {
    const { accelerator, threads } = this.backend!;
    try {
      const options = accelerator === 'webgpu' ? { gpuOptions: { precision } } : { cpuOptions: { numThreads: threads } };
      return await loadAndCompile(bytes, { accelerator, ...options });
    } catch (error) {
      const detail = message(error);
      throw new EngineError(/element type/i.test(detail) ? 'input-type' : 'compile', detail);
    }
  }

  unload(place: Place): void {
    this.networks[place]?.delete();
    this.networks[place] = null;
    if (place === 'beside') return;
    this.writer?.delete();
    this.judge?.delete();
    this.writer = this.judge = null;
  }

  /** What the networks say of the picture; of several frames, of the first one. */
  async frame(frames: ImageBitmap[], question: Question): Promise<Framed> {
    const main = this.network('main', question.main.network);
    const beside = question.beside && this.network('beside', question.beside.network);
    const began = performance.now();
    const pictures = frames.map((bitmap) => this.read(bitmap));
    const reading = performance.now() - began;
    let outcome: Outcome;
    let other: Outcome | null;
    try {
      outcome = await main.answer(pictures, question.main.output, question.range, question);
      other = beside && (await beside.answer(pictures, question.beside!.output, null, question));
    } catch (error) {
      throw new EngineError(error instanceof WrongEncoder ? 'encoder' : 'run', message(error));
    }
    const spec = main.spec(question.main.output);
    const comparable = beside && alike(spec, beside.spec(question.beside!.output));
    return {
      question,
      frames,
      answer: outcome.answer,
      timings: { ...outcome.timings, prepare: reading + outcome.timings.prepare },
      beside: other,
      agreement: comparable && other ? kindOf(spec).agreement(outcome.answer, other.answer) : null,
      memory: heapBytes(),
    };
  }

  /** The network that the question is for; another one may have taken its place. */
  private network(place: Place, id: NetworkId): Looker {
    const network = this.networks[place];
    if (network?.id !== id) throw new EngineError('stale', `network ${id} is not loaded`);
    return network;
  }

  private read(bitmap: ImageBitmap): ImageData {
    const { width, height } = bitmap;
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
    // Transparent pixels would keep what the last frame left.
    this.context.fillRect(0, 0, width, height);
    this.context.drawImage(bitmap, 0, 0);
    return this.context.getImageData(0, 0, width, height);
  }
}
