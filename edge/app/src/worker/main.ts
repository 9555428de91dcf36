// The inference worker: requests in, replies out, one after the other.
import type { Answer, Reply, Request } from '../protocol';
import { Engine, EngineError } from './engine';

const engine = new Engine();
let queue = Promise.resolve();

function reply(message: Reply, transfer: Transferable[] = []): void {
  self.postMessage(message, { transfer });
}

/** What moves to the page instead of being copied. */
function buffers(answer: Answer): ArrayBuffer[] {
  switch (answer.kind) {
    case 'segmentation':
      return [answer.classes.buffer];
    case 'field':
      return [answer.rgba.buffer];
    case 'classification':
      return [];
  }
}

async function handle(request: Request): Promise<void> {
  switch (request.type) {
    case 'start':
      reply({ type: 'started', id: request.id, backend: await engine.start(request.choice, request.wasm, request.threads) });
      break;
    case 'load':
      reply({
        type: 'loaded',
        id: request.id,
        loaded: await engine.load(request.place, request.name, request.source, request.card, request.precision),
      });
      break;
    case 'frame': {
      const framed = await engine.frame(request.bitmap, request.range);
      const transfer = [framed.bitmap, ...buffers(framed.answer), ...(framed.beside ? buffers(framed.beside.answer) : [])];
      reply({ type: 'framed', id: request.id, framed }, transfer);
      break;
    }
    case 'unload':
      engine.unload(request.place);
      reply({ type: 'unloaded', id: request.id });
      break;
  }
}

self.onmessage = ({ data }: MessageEvent<Request>) => {
  queue = queue.then(async () => {
    try {
      await handle(data);
    } catch (error) {
      const failure = error instanceof EngineError ? error.failure : 'run';
      reply({ type: 'failed', id: data.id, failure, detail: error instanceof Error ? error.message : String(error) });
    }
  });
};
