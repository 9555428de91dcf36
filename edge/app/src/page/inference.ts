// The page's side of the inference worker: every request is a promise.
import type { Answer } from '../outputs/kind';
import type { AcceleratorChoice, Backend, Failure, Framed, Loaded, Loading, NetworkId, Place, Question, Reply, Request, WritingOrder } from '../protocol';

export class InferenceError extends Error {
  constructor(
    readonly failure: Failure,
    readonly detail: string,
  ) {
    super(`${failure}: ${detail}`);
  }
}

interface Waiting {
  resolve(reply: Reply): void;
  reject(error: InferenceError): void;
}

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;

function absolute(source: string | ArrayBuffer): string | ArrayBuffer {
  return typeof source === 'string' ? new URL(source, location.href).href : source;
}

export class Inference {
  private worker: Worker | null = null;
  private waiting = new Map<number, Waiting>();
  private nextId = 1;

  /** Ends the worker that runs, with all its memory, and starts another one. */
  async start(choice: AcceleratorChoice): Promise<Backend> {
    this.stop();
    const worker = new Worker('worker.js', { name: 'densezoo' });
    worker.onmessage = ({ data }: MessageEvent<Reply>) => this.settle(data);
    worker.onerror = (event) => this.fail(new InferenceError('start', event.message || 'worker.js'));
    this.worker = worker;
    const wasm = new URL('wasm/', location.href).href;
    const reply = await this.ask({ type: 'start', choice, wasm, threads: true });
    if (reply.type !== 'started') throw new InferenceError('start', reply.type);
    return reply.backend;
  }

  async load(loading: Omit<Loading, 'id'>): Promise<Loaded> {
    const reply = await this.ask({ type: 'load', ...loading, source: absolute(loading.source), encoder: loading.encoder && absolute(loading.encoder) });
    if (reply.type !== 'loaded') throw new InferenceError('compile', reply.type);
    return reply.loaded;
  }

  async unload(place: Place): Promise<void> {
    await this.ask({ type: 'unload', place });
  }

  /** The answer to a question about these frames. They move to the worker and come back with the answer. */
  async frame(frames: ImageBitmap[], question: Question): Promise<Framed> {
    const reply = await this.ask({ type: 'frame', frames, question }, frames);
    if (reply.type !== 'framed') throw new InferenceError('run', reply.type);
    return reply.framed;
  }

  /** A part of a text. */
  async write(order: WritingOrder): Promise<string> {
    const reply = await this.ask({ type: 'write', order });
    if (reply.type !== 'written') throw new InferenceError('run', reply.type);
    return reply.text;
  }

  /** What a network says of a sentence. */
  async read(network: NetworkId, text: string): Promise<Answer> {
    const reply = await this.ask({ type: 'read', network, text });
    if (reply.type !== 'read') throw new InferenceError('run', reply.type);
    return reply.answer;
  }

  private stop(): void {
    this.worker?.terminate();
    this.worker = null;
    this.fail(new InferenceError('start', 'restarted'));
  }

  private ask(request: WithoutId<Request>, transfer: Transferable[] = []): Promise<Reply> {
    const { worker } = this;
    if (!worker) return Promise.reject(new InferenceError('start', 'not started'));
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      worker.postMessage({ ...request, id }, transfer);
    });
  }

  private settle(reply: Reply): void {
    const waiting = this.waiting.get(reply.id);
    this.waiting.delete(reply.id);
    if (reply.type === 'failed') waiting?.reject(new InferenceError(reply.failure, reply.detail));
    else waiting?.resolve(reply);
  }

  private fail(error: InferenceError): void {
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}
