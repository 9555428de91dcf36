// What the page and the inference worker say to each other.
import type { Card } from './model/card';
import type { InputRange } from './model/spec';
import type { Answer } from './outputs/kind';
import type { Asked } from './text/asked';
import type { Sampling } from './text/sampling';

export type AcceleratorChoice = 'auto' | 'webgpu' | 'wasm';
export type Accelerator = 'webgpu' | 'wasm';
export type Precision = 'fp32' | 'fp16';

/** Why the accelerator is not WebGPU although nobody asked for that; null when it is as asked. */
export type Fallback = 'no-api' | 'no-adapter' | 'refused' | null;

export interface Backend {
  accelerator: Accelerator;
  fallback: Fallback;
  /** WebAssembly threads; 1 when threads are not to be had. */
  threads: number;
  /** What the browser tells of the GPU; empty on WebAssembly. */
  device: string;
}

/** Milliseconds a frame spent in each stage. */
export interface Timings {
  capture: number;
  prepare: number;
  run: number;
  finish: number;
  draw: number;
}

/** Where a network's answer is shown: a second one may stand beside the main one. */
export type Place = 'main' | 'beside';

/** Which network a question is for: one load of one file. Answers of another load are of no use to who asked. */
export type NetworkId = number;

export interface Target {
  network: NetworkId;
  /** Which of its outputs, as the card counts them. */
  output: number;
}

/** A question to the networks. Its answer repeats it, so that no answer is taken for that to another question. */
export interface Question {
  /** The picture; the page counts them. */
  picture: number;
  main: Target;
  beside: Target | null;
  /** The visitor's word on what the main network takes. */
  range: InputRange | null;
  /** What is asked in words; null where no network is. */
  asked: Asked | null;
  /** Whether its frames follow those of the last question about this picture, as the camera's do. */
  goesOn: boolean;
}

export type Request =
  | { type: 'start'; id: number; choice: AcceleratorChoice; wasm: string; threads: boolean }
  | ({ type: 'load' } & Loading)
  | { type: 'unload'; id: number; place: Place }
  | { type: 'frame'; id: number; frames: ImageBitmap[]; question: Question }
  | { type: 'write'; id: number; order: WritingOrder }
  | { type: 'read'; id: number; network: NetworkId; text: string };

/** A file to be loaded: its address or bytes, and those of its encoder, where it goes on from what another file sees. */
export interface Loading {
  id: number;
  place: Place;
  name: string;
  source: string | ArrayBuffer;
  encoder: string | ArrayBuffer | null;
  card: Card | null;
  precision: Precision;
}

/** A part of a text to be written: its beginning behind a prompt, or what follows. */
export interface WritingOrder {
  network: NetworkId;
  /** What is read first; null to go on behind what was written last. */
  prompt: string | null;
  /** Tokens to write. */
  count: number;
  sampling: Sampling;
  /** Of what is drawn, from the prompt on. */
  seed: number;
}

/** What a network is for: it looks at pictures, watches films, judges sentences, or writes texts, a token a step. */
export type Use = 'look' | 'watch' | 'read' | 'write';

export interface Loaded {
  /** The id of the request that loaded it. */
  id: NetworkId;
  /** With the tensors' own sizes, and of the outputs those that the app knows how to show. */
  card: Card;
  bytes: number;
  compileMs: number;
  /** False when the GPU left part of the graph to the CPU. */
  whole: boolean;
  use: Use;
  /** Whether it has layers that WebAssembly, on which it runs, computes many times slower than it could. */
  slow: boolean;
}

/** What one network says of a picture, and what that cost. */
export interface Outcome {
  answer: Answer;
  timings: Pick<Timings, 'prepare' | 'run' | 'finish'>;
}

export interface Framed extends Outcome {
  question: Question;
  frames: ImageBitmap[];
  beside: Outcome | null;
  /** How near both answers are, in their kind's own measure; null without a second one of the same sort. */
  agreement: number | null;
  /** Bytes of WebAssembly memory, which grows and never shrinks. */
  memory: number;
}

export type Failure = 'start' | 'fetch' | 'not-a-model' | 'input-type' | 'shape' | 'size' | 'kind' | 'outputs' | 'compile' | 'run' | 'stale' | 'token' | 'encoder';

export type Reply =
  | { type: 'started'; id: number; backend: Backend }
  | { type: 'loaded'; id: number; loaded: Loaded }
  | { type: 'unloaded'; id: number }
  | { type: 'framed'; id: number; framed: Framed }
  | { type: 'written'; id: number; text: string }
  | { type: 'read'; id: number; answer: Answer }
  | { type: 'failed'; id: number; failure: Failure; detail: string };
