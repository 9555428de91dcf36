// The inference worker: requests in, replies out, one after the other.
import { kindNamed } from '../outputs';
import type { Reply, Request } from '../protocol';
import { Engine, EngineError } from './engine';

const engine = new Engine();
let queue = Promise.resolve();

function reply(message: Reply, transfer: Transferable[] = []): void {
  self.postMessage(message, { transfer });
}

async function handle(request: Request): Promise<void> {
  switch (request.type) {
    case 'start':
      reply({ type: 'started', id: request.id, backend: await engine.start(request.choice, request.wasm, request.threads) });
      break;
    case 'load': {
      reply({ type: 'loaded', id: request.id, loaded: await engine.load(request) });
      break;
    }
    case 'frame': {
      const framed = await engine.frame(request.frames, request.question);
      const answers = [framed.answer, ...(framed.beside ? [framed.beside.answer] : [])];
      // What moves to the page instead of being copied.
      const transfer = answers.flatMap((answer) => kindNamed(answer.kind).transfer(answer));
      reply({ type: 'framed', id: request.id, framed }, [...framed.frames, ...transfer]);
      break;
    }
    case 'write':
      reply({ type: 'written', id: request.id, text: await engine.write(request.order) });
      break;
    case 'read':
      reply({ type: 'read', id: request.id, answer: await engine.readText(request.network, request.text) });
      break;
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
