// LiteRT's lifetime on this device: choose the accelerator, compile files, run pictures through them. Two networks at most.
import { getGlobalLiteRt, loadAndCompile, loadLiteRt, supportsFeature, type CompiledModel } from '@litertjs/core';
import { guessCard, readCard, type Card, type InputRange } from '../model/card';
import type { AcceleratorChoice, Answer, Backend, Failure, Fallback, Framed, Loaded, Place, Precision, Seen } from '../protocol';
import { Network } from './network';
import { TASKS } from './tasks';

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

function heapBytes(): number {
  // Emscripten's view of its memory; its declaration is not among LiteRT's exported types.
  const { HEAPU8 } = getGlobalLiteRt().liteRtWasm as unknown as { HEAPU8: Uint8Array };
  return HEAPU8.byteLength;
}

/** The share of pixels that two maps of one list of classes give the same class; null where that cannot be said. */
function agreement(one: Network, other: Network, first: Answer, second: Answer): number | null {
  if (first.kind !== 'segmentation' || second.kind !== 'segmentation') return null;
  if (one.card.labels.join('\n') !== other.card.labels.join('\n')) return null;
  let same = 0;
  for (let i = 0; i < first.classes.length; i++) same += Number(first.classes[i] === second.classes[i]);
  return same / first.classes.length;
}

export class Engine {
  private backend: Backend | null = null;
  private networks: Record<Place, Network | null> = { main: null, beside: null };
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

  async load(place: Place, name: string, source: string | ArrayBuffer, known: Card | null, precision: Precision): Promise<Loaded> {
    if (!this.backend) throw new EngineError('start', 'the engine has not been started');
    const bytes = await readBytes(source);
    if (FLATBUFFER_MARK.some((byte, at) => bytes[4 + at] !== byte)) throw new EngineError('not-a-model', name);
    this.unload(place);
    const began = performance.now();
    const model = await this.compile(bytes, precision);
    const compileMs = performance.now() - began;
    try {
      const [input, output] = [model.getInputDetails()[0], model.getOutputDetails()[0]];
      const shape = { shape: Array.from(input.shape), dtype: input.dtype };
      const card =
        (await readCard(bytes)) ?? known ?? guessCard(name, shape, { shape: Array.from(output.shape), dtype: output.dtype });
      if (!card || !(card.task in TASKS)) throw new EngineError('shape', `[${shape.shape}] → [${output.shape}]`);
      const whole = this.backend.accelerator === 'wasm' || model.isFullyAccelerated;
      const described = { ...card, name: card.name || name, inputSize: [shape.shape[1], shape.shape[2]] } satisfies Card;
      this.networks[place] = new Network(described, model);
      return { card: described, bytes: bytes.byteLength, compileMs, whole };
    } catch (error) {
      model.delete();
      throw error;
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
  }

  /** What the networks say of the picture; `range` is the visitor's word on what the main one takes. */
  async frame(bitmap: ImageBitmap, range: InputRange | null): Promise<Framed> {
    const { main, beside } = this.networks;
    if (!main) throw new EngineError('run', 'no model is loaded');
    const began = performance.now();
    const picture = this.read(bitmap);
    const reading = performance.now() - began;
    let seen: Seen;
    let other: Seen | null;
    try {
      seen = await main.see(picture, range);
      other = beside && (await beside.see(picture, null));
    } catch (error) {
      throw new EngineError('run', message(error));
    }
    return {
      bitmap,
      answer: seen.answer,
      timings: { ...seen.timings, prepare: reading + seen.timings.prepare },
      beside: other,
      agreement: beside && other && agreement(main, beside, seen.answer, other.answer),
      memory: heapBytes(),
    };
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
